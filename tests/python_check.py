"""Every pair of ndl-check against a NumPy reference: python_check.py NDL-CHECK SCRATCH

The reference is the definition, written with dense arrays and no shortcut."""
import io, json, math, os, struct, subprocess, sys, zipfile
import numpy as np
import scipy.sparse as sp

CHECK, SCRATCH = os.path.abspath(sys.argv[1]), sys.argv[2]
os.chdir(SCRATCH)
rng = np.random.default_rng(4)
NAMES = "j k cosine mean z_min_off z_max_off margin slope support".split()


def run(*words, status=0):
    done = subprocess.run([CHECK, *words], capture_output=True, text=True)
    assert done.returncode == status, (words, done)
    return done.stdout if status == 0 else done.stderr


def read_tsv(path):
    lines = [line for line in open(path).read().splitlines() if not line.startswith("#")]
    assert lines[0].split("\t") == NAMES, lines[0]
    rows = [line.split("\t") for line in lines[1:]]
    assert all(len(row) == len(NAMES) for row in rows)
    return {(int(r[0]), int(r[1])): dict(zip(NAMES[2:], map(float, r[2:]))) for r in rows}


def reference(Z, D, bias, tolerance=1e-9, near=0.01):
    """(j, k) -> the columns, whether violated, nearly hierarchical, listed."""
    N, K = Z.shape
    Z, D = Z.astype(float), D.astype(float)
    norm = np.linalg.norm(D, axis=1)
    unit = D / np.where(norm > 0, norm, 1)[:, None]
    Z = Z * norm
    H = np.clip(unit @ unit.T, -1, 1)
    m = Z.mean(axis=0)
    pairs = {}
    for k in range(K):
        off = Z[:, k] == 0
        for j in range(K):
            if j == k:
                continue
            z, h, t = Z[off, j], H[j, k], tolerance * m[j]
            p = m[j] * (1 - h)
            dead, always = m[j] == 0 or m[k] == 0, not off.any()
            least, greatest = (math.nan, math.nan) if always else (z.min(), z.max())
            positive = int((z > 0).sum())
            support = min(int((z >= p - t).sum()), int((z <= p + t).sum())) if bias else positive
            violated = not dead and support == 0 and (bias or 1 - h > tolerance)
            if m[j] == 0:
                margin = math.nan
            elif not bias:
                margin = 1 - h if positive else h - 1
            else:
                margin = -math.inf if always else min(greatest - p, p - least) / m[j]
            slope = 0.0 if not violated else -1.0 if bias and always else margin * m[j]
            row = dict(cosine=h, mean=m[j], z_min_off=least, z_max_off=greatest, margin=margin, slope=slope,
                       support=support)
            close = not dead and not violated and not always and support <= int(near * (Z[:, j] > 0).sum())
            pairs[j, k] = row, violated, close, always, dead
    return pairs


def same(x, y, scale=1.0):
    # Sums of N numbers in another order, cosines of d products, and the division by m_j.
    return (math.isnan(x) and math.isnan(y)) or x == y or abs(x - y) <= 1e-11 * max(scale, abs(y))


def compare(name, Z, D, *words, bias=True, **options):
    """Runs the audit on the files in `words` and compares it with the reference of Z and D."""
    expected = reference(Z, D, bias, **options)
    words += (() if bias else ("--no-bias",)) + tuple(f"--{key}={value!r}" for key, value in options.items())
    got = json.loads(run(*words, "--all", "--out", "all.tsv", "--json", "--top", "1000000"))
    rows = read_tsv("all.tsv")
    assert rows.keys() == expected.keys(), name
    for pair, (row, *_) in expected.items():
        for column in row:
            # margin in units of m_j: what is a rounding error there is the largest z_j over m_j
            scale = 1 + (abs(row["z_max_off"]) / row["mean"] if column == "margin" and row["mean"] > 0 and
                         not math.isnan(row["z_max_off"]) else 0)
            assert same(rows[pair][column], row[column], scale), (name, pair, column, rows[pair], row)
    run(*words, "--out", "listed.tsv")
    listed = {pair: row for pair, (row, violated, close, *_) in expected.items() if violated or close}
    short = read_tsv("listed.tsv")
    order = sorted((q for q in listed if not expected[q][3]),
                   key=lambda q: (not expected[q][1], rows[q]["slope"], rows[q]["support"] / (Z[:, q[0]] > 0).sum(), q))
    assert list(short) == order + sorted(q for q in listed if expected[q][3]), (name, len(short), len(listed))
    assert all(short[pair] == {c: rows[pair][c] for c in NAMES[2:]} for pair in short if not math.isnan(rows[pair]["z_min_off"]))
    on = (Z > 0).sum(axis=0)
    N, K = Z.shape
    flags = [value[1:] for value in expected.values()]
    assert got["samples"] == N and got["features"] == K and got["nonzeros"] == on.sum()
    assert got["dead"] == (on == 0).sum() and got["dead_features"] == list(np.flatnonzero(on == 0))
    assert got["always_on"] == (on == N).sum() and got["always_on_features"] == list(np.flatnonzero(on == N))
    assert got["dense"] == (on >= 0.1 * N).sum()
    assert got["violated"] == sum(v and not a for v, c, a, d in flags), name
    assert got["violated_always_on"] == sum(v and a for v, c, a, d in flags), name
    assert got["nearly_hierarchical"] == sum(c for v, c, a, d in flags), name
    assert got["pairs"] == sum(not d and not a for v, c, a, d in flags)
    assert got["pairs_always_on"] == sum(not d and a for v, c, a, d in flags)
    assert got["pairs_dead"] == sum(d for v, c, a, d in flags)
    together = (Z > 0).astype(int).T @ (Z > 0)
    live = on > 0
    exclusive = (together == 0) & (np.outer(on, on) >= 25 * N) & np.outer(live, live)
    assert got["exclusive_pairs"] == np.triu(exclusive, 1).sum(), name
    for group in got["groups"]:
        assert all(exclusive[a, b] for a in group for b in group if a != b), (name, group)
    H = np.clip((D @ D.T) / np.outer(*2 * [np.linalg.norm(D, axis=1) + (np.linalg.norm(D, axis=1) == 0)]), -1, 1)
    antipodal = (H < -0.9) & np.outer(on >= 0.1 * N, on >= 0.1 * N)
    assert got["antipodal"] == np.triu(antipodal, 1).sum(), name
    worst = [(p["j"], p["k"]) for p in got["worst"]]
    assert worst == order, name
    for p in got["worst"]:
        assert p["j_on"] == on[p["j"]] and p["together"] == together[p["j"], p["k"]] and p["says"]


def random_codes(N, K, density):
    Z = rng.exponential(size=(N, K)) * (rng.random((N, K)) < density)
    Z[:, 1] *= Z[:, 0] > 0            # 1 fires only when 0 does
    Z[:, 3] = Z[:, 2] * (rng.random(N) < 0.99)   # 3 nearly so with 2, and the other way round
    Z[:, 4] = 0                       # dead
    Z[:, 5] = 0.5 + rng.random(N)     # always on
    Z[:, 6] = 1 + rng.random(N)       # nearly always on
    Z[rng.integers(N, size=2), 6] = 0
    Z[:, 8] = np.where(Z[:, 7] > 0, 0, 1 + rng.random(N))  # 7 and 8 cover everything
    Z[:, 10] = np.where(Z[:, 9] > 0, 0, Z[:, 10])          # 9 and 10 exclude each other
    return Z


def random_decoder(K, d):
    D = rng.normal(size=(K, d)) * rng.uniform(0.1, 10, size=(K, 1))
    D[12] = 3 * D[11]                 # coincident, up to rounding
    D[8] = -D[7] + 0.1 * rng.normal(size=d)
    D[4] = 0                          # a dead feature may have no direction
    return D


def check_audits():
    for N, K, d, density in (60, 14, 3, 0.4), (500, 20, 8, 0.2), (3000, 40, 16, 0.05):
        for dtype in np.float64, np.float32:
            Z, D = random_codes(N, K, density).astype(dtype), random_decoder(K, d).astype(dtype)
            sp.save_npz("Z.npz", sp.csr_matrix(Z), compressed=bool(rng.integers(2)))
            np.save("D.npy", np.asarray(D, order=rng.choice(["C", "F"])))
            for bias in True, False:
                files = "--codes", "Z.npz", "--decoder", "D.npy"
                compare((N, K, dtype, bias), Z, D, *files, bias=bias)
                compare((N, K, dtype, bias, "near"), Z, D, *files, bias=bias, near=0.1, tolerance=0.05)
            # Shards, one of them without any nonzero, and a dense one.
            cut = sorted(rng.integers(1, N, size=2))
            Z[: cut[0] // 2] = 0
            for part, rows in enumerate(np.split(Z, cut)):
                sp.save_npz(f"part-{part}.npz", sp.csr_matrix(rows))
            np.save("dense.npy", np.zeros((3, K), dtype))
            compare((N, K, "shards"), np.vstack([Z, np.zeros((3, K))]), D, "--decoder", "D.npy", "--codes",
                    *(f"part-{part}.npz" for part in range(3)), "dense.npy", "--threads", "3")


def check_hull():
    """The K-feature condition by a linear programme of SciPy: is p a convex combination?"""
    from scipy.optimize import linprog
    Z, D = rng.exponential(size=(300, 6)) * (rng.random((300, 6)) < 0.4), rng.normal(size=(6, 4))
    Z[:, 1] *= Z[:, 0] > 0
    sp.save_npz("Z.npz", sp.csr_matrix(Z))
    np.save("D.npy", D)
    hulls = [word for k in range(6) for word in ("--hull", str(k))]
    got = json.loads(run("--codes", "Z.npz", "--decoder", "D.npy", "--json", *hulls))["hull"]
    unit, norm = D / np.linalg.norm(D, axis=1)[:, None], np.linalg.norm(D, axis=1)
    m, seen = (Z * norm).mean(axis=0), set()
    for k, hull in enumerate(got):
        J = [j for j in range(6) if j != k]
        points, p = (Z * norm)[Z[:, k] == 0][:, J], m[J] * (1 - unit[J] @ unit[k])
        A, b = np.vstack([points.T, np.ones(len(points))]), np.append(p, 1)
        holds = linprog(np.zeros(len(points)), A_eq=A, b_eq=b).status == 0
        assert hull["k"] == k and hull["holds"] == holds and hull["features"] == J, (hull, holds)
        seen.add(holds)
        if not holds:  # the direction is >= 0 where k is off, and its slope is the one stated
            a, c = np.array(hull["a"]), hull["c"]
            assert (points @ a + c).min() >= -1e-9 and same(a @ p + c, hull["slope"]) and hull["slope"] < 0
    assert seen == {True, False}


def save_safetensors(file, tensors):
    header, data = {}, b""
    for name, a in tensors.items():
        raw = a.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


def check_sae():
    d, K, N = 6, 20, 9000  # more than one block of rows
    weights = dict(W_enc=rng.normal(size=(d, K)), b_enc=rng.normal(size=K) - 2, W_dec=rng.normal(size=(K, d)),
                   b_dec=rng.normal(size=d))
    weights = {name: a.astype("<f4") for name, a in weights.items()}
    X = rng.normal(size=(N, d)).astype("<f4")
    np.save("X0.npy", X[:8500])
    np.save("X1.npy", X[8500:])
    before = (X.astype(float) - weights["b_dec"]) @ weights["W_enc"].astype(float) + weights["b_enc"]
    threshold = rng.uniform(0, 1, size=K).astype("<f4")
    top = np.sort(before, axis=1)[:, -3:-2]
    codes = {"standard": np.maximum(before, 0), "topk": np.where(before >= top, np.maximum(before, 0), 0),
             "jumprelu": np.where(before > threshold, before, 0)}
    for kind, Z in codes.items():
        Z = np.maximum(Z, 0)
        os.makedirs(kind, exist_ok=True)
        config = {"architecture": kind, "d_in": d, "d_sae": K, "apply_b_dec_to_input": True, "normalize_activations": "none",
                  "activation_fn_str": "relu", **({"k": 3} if kind == "topk" else {})}
        json.dump(config, open(f"{kind}/cfg.json", "w"))
        save_safetensors(f"{kind}/sae_weights.safetensors", weights | ({"threshold": threshold} if kind == "jumprelu" else {}))
        compare(kind, Z, weights["W_dec"].astype(float), "--sae", kind, "--activations", "X0.npy", "X1.npy")
        files, least, greatest = ("--sae", kind, "--activations", "X0.npy"), float(threshold.min()), float(threshold.max())
        of_kind = {"standard": ("", {}), "topk": (", k 3", {"k": 3, "ranked_by_decoder_norm": False}),
                   "jumprelu": (f", thresholds {least:.4g} to {greatest:.4g}",
                                {"threshold_least": least, "threshold_greatest": greatest})}
        said, read = of_kind[kind]
        assert run(*files).splitlines()[0].split(maxsplit=1) == [
            "sae", f"{kind}{said}; 6 dimensions, normalize_activations none, b_dec subtracted before encoding"]
        assert json.loads(run(*files, "--json"))["sae"] == {
            "architecture": kind, "d_in": 6, "normalize_activations": "none", "b_dec_subtracted": True, **read}
        sp.save_npz("Z.npz", sp.csr_matrix(Z))
        compare(kind, Z, weights["W_dec"].astype(float), "--codes", "Z.npz",
                "--decoder", f"{kind}/sae_weights.safetensors:W_dec")
    np.save("narrow.npy", X[:, :4])
    assert "narrow.npy: 4 columns, but standard encodes 6" in run("--sae", "standard", "--activations", "narrow.npy", status=2)


def check_refusals():
    """What needs Python to make: a zip bomb, a missing key, wrong types inside an archive."""
    np.save("D.npy", np.eye(3))
    good = sp.csr_matrix(np.eye(3))

    def refused(why, **change):
        members = dict(data=good.data, indices=good.indices, indptr=good.indptr, shape=np.array(good.shape),
                       format=np.array(b"csr")) | change
        with zipfile.ZipFile("bad.npz", "w", zipfile.ZIP_DEFLATED) as out:
            for name, a in members.items():
                if a is not None:
                    memory = io.BytesIO()
                    np.lib.format.write_array(memory, np.asanyarray(a))
                    out.writestr(name + ".npy", memory.getvalue())
        message = run("--codes", "bad.npz", "--decoder", "D.npy", "--out", "bad.tsv", status=2)
        assert message.startswith("ndl-check: bad.npz: ") and why in message and message.count("\n") == 1, message
        assert not os.path.exists("bad.tsv")

    refused("zip bomb", data=np.zeros(20_000_000))
    for key in "data", "indices", "indptr", "shape":
        refused(key, **{key: None})
    refused("format", format=np.array(b"csc"))
    refused("data", data=good.data.astype(">f8"))
    refused("data.npy: dtype i8 is not float16", data=good.data.astype(np.int64))
    refused("data.npy: dtype b1 is not float16", data=good.data > 0)
    refused("data.npy: not a 1-dimensional array", data=good.data[None])
    refused("2 values but 3 column indices", data=good.data[:2])
    refused("indices", indices=good.indices.astype(float))
    refused("indices.npy: entry 2 is 3", indices=np.array([0, 1, 3], np.int32))
    refused("", indices=np.array([0, 1, -1], np.int32))
    refused("indptr", indptr=np.array([0, 2, 1, 3], np.int32))
    refused("row 1, column 1", data=np.array([1, -1.0, 1]))
    refused("row 2, column 2", data=np.array([1, 1, np.nan]))
    refused("row 0, column 0", data=np.array([np.inf, 1, 1]))
    refused("4611686018427387904 rows", shape=np.array([2**62, 8]))


check_audits()
check_hull()
check_sae()
check_refusals()
print("all equal")
