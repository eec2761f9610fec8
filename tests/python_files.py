"""Round trip with NumPy and SciPy: python_files.py CONVERT SCRATCH

CONVERT is the program of tests/convert_files.c.  Everything is compared bit for bit,
except the codes of an SAE (sums of d products, another order of summation)."""
import io, json, os, struct, subprocess, sys, zipfile
import numpy as np
import scipy.sparse as sp

CONVERT, SCRATCH = sys.argv[1:]
rng = np.random.default_rng(1)


def path(name):
    return os.path.join(SCRATCH, name)


def convert(*words):
    subprocess.run([CONVERT, *words], check=True)


def refused(why, *words):
    run = subprocess.run([CONVERT, *words], capture_output=True, text=True)
    lines = run.stderr.splitlines()
    assert run.returncode == 2 and len(lines) == 1 and why in lines[0], (why, run)


def equal(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), (a, b)


def save_safetensors(file, tensors):
    """tensors: name -> (dtype, shape, bytes)."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


def f32(a):
    return ("F32", list(a.shape), a.astype("<f4").tobytes())


def check_npy():
    for shape in (1, 1), (1, 7), (7, 1), (33, 70):
        for dtype in "<f8", "<f4", "<f2":
            for order in "CF":
                a = np.asarray(rng.normal(size=shape), dtype=dtype, order=order)
                for version in (1, 0), (2, 0), (3, 0):
                    with open(path("a.npy"), "wb") as out:
                        np.lib.format.write_array(out, a, version=version)
                    convert("matrix", path("a.npy"), path("b.npy"))
                    equal(np.load(path("b.npy")), np.ascontiguousarray(a, dtype="<f8"))
    a = rng.normal(size=5)
    np.save(path("a.npy"), a)
    convert("vector", path("a.npy"), path("b.npy"))
    equal(np.load(path("b.npy")), a)
    refused("a.npy: 1-dimensional", "matrix", path("a.npy"), path("c.npy"))
    for bad, why in ((np.arange(4).reshape(2, 2), "dtype i8"), (np.zeros((2, 2), ">f8"), "big-endian"),
                     (np.zeros((2, 0)), "empty"), (np.array([[None]]), "Python objects"),
                     (np.zeros((2, 2), [("a", "f8")]), "structured"), (np.zeros((2, 2), "c16"), "dtype c16"),
                     (np.zeros((2, 2), "g"), "dtype f16"), (np.array([[1, np.nan]]), "row 0, column 1 is nan")):
        np.save(path("a.npy"), bad)
        refused(why, "matrix", path("a.npy"), path("c.npy"))
    assert not os.path.exists(path("c.npy"))


def check_tsv():
    a = rng.normal(size=(5, 3))
    np.save(path("a.npy"), a)
    convert("matrix", path("a.npy"), path("b.tsv"))
    equal(np.loadtxt(path("b.tsv")), a)
    np.savetxt(path("a.tsv"), a, fmt="%.17g", delimiter="\t", header="three columns")
    convert("matrix", path("a.tsv"), path("b.npy"))
    equal(np.load(path("b.npy")), a)


def check_npz():
    for shape, density in ((1, 1), 1), ((300, 40), 0.1), ((300, 40), 0), ((5, 3), 1):
        z = sp.random(*shape, density=density, format="csr", random_state=2)
        for dtype in "<f8", "<f4":
            for compressed in False, True:
                for wide in False, True:
                    z = z.astype(dtype)
                    if wide:
                        z.indices, z.indptr = z.indices.astype("i8"), z.indptr.astype("i8")
                    sp.save_npz(path("z.npz"), z, compressed=compressed)
                    convert("codes", path("z.npz"), path("w.npz"))
                    w = sp.load_npz(path("w.npz"))
                    w.check_format(full_check=True)
                    assert w.shape == z.shape and w.has_canonical_format and w.indices.dtype == np.int32
                    equal(w.toarray(), z.toarray().astype("<f8"))
    np.save(path("dense.npy"), z.toarray())
    convert("codes", path("dense.npy"), path("w.npz"))
    equal(sp.load_npz(path("w.npz")).toarray(), z.toarray().astype("<f8"))
    z = sp.csr_matrix((np.array([1.0, 2, 4, 0]), [2, 0, 2, 1], [0, 4]), shape=(1, 3))  # unsorted, twice, zero
    sp.save_npz(path("z.npz"), z)
    convert("codes", path("z.npz"), path("w.npz"))
    w = sp.load_npz(path("w.npz"))
    assert w.indices.tolist() == [0, 2] and w.data.tolist() == [2, 5]
    half = dict(data=z.data.astype("<f2"), indices=z.indices, indptr=z.indptr, shape=z.shape, format="csr")
    np.savez(path("half.npz"), **half)  # SciPy has no float16 matrices, but others write them
    convert("codes", path("half.npz"), path("w.npz"))
    assert sp.load_npz(path("w.npz")).data.tolist() == [2, 5]
    z = sp.csr_matrix([[0, 1.5]])
    for bad, why in ((z.tocsc(), "'csc'"), (z.tocoo(), "'coo'"), (z.astype(int), "dtype i8 is not float16"),
                     (-z, "row 0, column 1 is -1.5"), (z * np.inf, "row 0, column 1 is inf")):
        sp.save_npz(path("bad.npz"), bad)
        refused(why, "codes", path("bad.npz"), path("none.npz"))
    np.savez_compressed(path("params.npz"), W_dec=np.eye(3, 2), b_dec=np.arange(2.0))
    refused("no member 'format.npy'", "codes", path("params.npz"), path("none.npz"))
    convert("matrix", path("params.npz") + ":W_dec", path("b.npy"))
    equal(np.load(path("b.npy")), np.eye(3, 2))
    with zipfile.ZipFile(path("bomb.npz"), "w", zipfile.ZIP_DEFLATED) as bomb:  # 120 MB of zeros
        for name in "format", "shape", "indices", "indptr", "data":
            count = {"format": 1, "shape": 2}.get(name, 5000000)
            head = io.BytesIO()
            descr = {"format": "|S3", "data": "<f8"}.get(name, "<i8")
            shape = () if name == "format" else (count,)
            np.lib.format.write_array_header_1_0(head, {"descr": descr, "fortran_order": False, "shape": shape})
            with bomb.open(name + ".npy", "w", force_zip64=True) as member:
                member.write(head.getvalue())
                if count > 2:
                    for _ in range(10):
                        member.write(bytes(8 * count // 10))
                else:
                    member.write({"format": b"csr", "shape": struct.pack("<2q", 4999999, 4)}[name])
    refused("refused as a zip bomb", "codes", path("bomb.npz"), path("none.npz"))
    assert not os.path.exists(path("none.npz"))


def check_safetensors():
    a = rng.normal(size=(7, 5)).astype("<f4")
    brain = (a.view("<u4") >> 16).astype("<u2")  # bfloat16, rounded towards zero
    save_safetensors(path("a.safetensors"), {
        "W_dec": f32(a), "half": ("F16", [7, 5], a.astype("<f2").tobytes()), "decoder.weight": f32(2 * a.T),
        "brain": ("BF16", [7, 5], brain.tobytes()), "wide": ("F64", [7, 5], a.astype("<f8").tobytes()),
        "steps": ("I64", [], bytes(8))})
    for name, expected in (("", a), (":W_dec", a), (":half", a.astype("<f2")), (":wide", a),
                           (":brain", (brain.astype("<u4") << 16).view("<f4")),
                           (":decoder.weight", 2 * a.T), (":decoder.weight.T", 2 * a)):
        convert("matrix", path("a.safetensors") + name, path("b.npy"))
        equal(np.load(path("b.npy")), np.ascontiguousarray(expected, dtype="<f8"))
    refused("dtype I64", "matrix", path("a.safetensors") + ":steps", path("b.npy"))
    save_safetensors(path("linear.safetensors"), {"encoder.weight": f32(a), "decoder.weight": f32(a.T)})
    convert("matrix", path("linear.safetensors"), path("b.npy"))
    equal(np.load(path("b.npy")), a.astype("<f8"))


def check_sae():
    n, d, K, k = 150, 24, 64, 5
    x = rng.normal(size=(n, d)).astype("<f4")
    W_enc, W_dec = rng.normal(size=(d, K)).astype("<f4"), rng.normal(size=(K, d)).astype("<f4")
    b_enc, b_dec = rng.normal(size=K).astype("<f4"), rng.normal(size=d).astype("<f4")
    threshold = rng.uniform(0, 4, size=K).astype("<f4")
    sae = path("sae")
    os.mkdir(sae)
    weights = {name: f32(a) for name, a in dict(W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec).items()}
    jump = weights | {"threshold": f32(threshold)}
    np.save(path("x.npy"), x)
    wide = [a.astype(float) for a in (x, W_enc, b_enc, W_dec, b_dec, threshold)]
    x, W_enc, b_enc, W_dec, b_dec, threshold = wide

    def expect(config, x, activation):
        with open(os.path.join(sae, "cfg.json"), "w") as out:
            json.dump(dict(d_in=d, d_sae=K, dtype="float32", **config), out)
        save_safetensors(os.path.join(sae, "sae_weights.safetensors"),
                         jump if config.get("architecture") == "jumprelu" else weights)
        convert("sae", sae, path("x.npy"), path("own.npz"))
        z = sp.load_npz(path("own.npz")).toarray()
        reference = activation(x @ W_enc + b_enc)
        assert ((z > 0) == (reference > 0)).all()
        # d = 24 products of size about 1, added in another order: 24 * 2^-53 * 24, generously
        assert np.abs(z - reference).max() < 1e-12, np.abs(z - reference).max()

    def relu(a):
        return np.maximum(a, 0)

    def topk(score):
        def activation(a):
            kept = np.zeros_like(a)
            for i, best in enumerate(np.argsort(-score(a), axis=1)[:, :k]):
                kept[i, best] = relu(a[i, best])
            return kept
        return activation

    expect(dict(architecture="standard", activation_fn_str="relu"), x - b_dec, relu)
    expect(dict(apply_b_dec_to_input=False), x, relu)
    expect(dict(architecture="jumprelu"), x - b_dec, lambda a: relu(a) * (a > threshold))
    expect(dict(architecture="topk", k=k), x - b_dec, topk(lambda a: a))
    expect(dict(architecture="topk", k=k, rescale_acts_by_decoder_norm=True), x - b_dec,
           topk(lambda a: a * np.linalg.norm(W_dec, axis=1)))
    expect(dict(normalize_activations="constant_norm_rescale"),
           x * np.sqrt(d) / np.linalg.norm(x, axis=1, keepdims=True) - b_dec, relu)
    expect(dict(normalize_activations="layer_norm"),
           (x - x.mean(1, keepdims=True)) / (x.std(1, ddof=1, keepdims=True) + 1e-5) - b_dec, relu)


check_npy()
check_tsv()
check_npz()
check_safetensors()
check_sae()
print("all equal")
