"""The audit against the co-occurrence product: audit.py NDL-CHECK DIRECTORY [SAMPLES [FEATURES [ACTIVE]]]

Makes codes of 1,000,000 samples x 16,384 features with 50 active each (an uncompressed
float32 .npz) and a decoder in DIRECTORY, then measures in one run, on the same file,
    1. ndl-check, whole: start, reading, audit of all pairs, summary, with all threads and with one;
    2. what a user would write with scipy.sparse, Zb.T @ Zb, the product alone, without reading.
Prints seconds, peak memory and the ratio.  Frequencies of features fall like a power law, and one
feature in a hundred fires only when another does, as in a real dictionary."""
import os, resource, subprocess, sys, time
import numpy as np
import scipy.sparse as sp

CHECK, DIRECTORY = sys.argv[1:3]
N, K, ACTIVE = (int(word) for word in sys.argv[3:] + ["1000000", "16384", "50"][len(sys.argv) - 3:])
D = 64  # the audit computes cosines only where it needs one: the dimension hardly matters


def make(path):
    """Exactly ACTIVE distinct features per sample, in increasing order."""
    rng = np.random.default_rng(1)
    weight = (np.arange(K) + 100.0) ** -0.7  # by place in `order`
    order = rng.permutation(K).astype(np.int32)
    children, others = order[:K // 100], order[K // 100:]
    weight[:K // 100] = 0  # children are not drawn, they replace something where their parent is on
    cumulative = np.cumsum(weight / weight.sum())
    parents = rng.choice(others, len(children), replace=False)
    indices = np.empty((N, ACTIVE), np.int32)
    for first in range(0, N, 20000):
        rows = min(20000, N - first)
        block = order[np.searchsorted(cumulative[:-1], rng.random((rows, ACTIVE)))]
        while True:
            block.sort(axis=1)
            again = np.zeros(block.shape, bool)
            again[:, 1:] = block[:, 1:] == block[:, :-1]
            if not again.any():
                break
            block[again] = order[np.searchsorted(cumulative[:-1], rng.random(again.sum()))]
        for child, parent in zip(children, parents):
            row, place = np.nonzero(block == parent)
            half = rng.random(len(row)) < 0.5
            block[row[half], place[half] - 1] = child  # may displace another parent: not all are perfect
        block.sort(axis=1)
        indices[first:first + rows] = block
    values = rng.exponential(size=N * ACTIVE).astype(np.float32) + np.float32(0.01)
    Z = sp.csr_matrix((values, indices.ravel(), np.arange(0, N * ACTIVE + 1, ACTIVE)), shape=(N, K))
    sp.save_npz(path, Z, compressed=False)


def measure(*words):
    """Seconds and peak MiB of a child process."""
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    return time.monotonic() - begun, usage.ru_maxrss / 1024, text


codes, decoder = os.path.join(DIRECTORY, "audit-codes.npz"), os.path.join(DIRECTORY, "audit-decoder.npy")
make(codes)
np.save(decoder, np.random.default_rng(2).normal(size=(K, D)).astype(np.float32))

threads = len(os.sched_getaffinity(0))
print(f"{N} x {K}, {ACTIVE} active; load average {os.getloadavg()[0]:.2f} on {threads} processors", flush=True)
times = {}
for count in sorted({1, threads}, reverse=True):
    seconds, peak, text = measure(CHECK, "--codes", codes, "--decoder", decoder, "--top", "0", "--threads", str(count))
    times[count] = seconds
    print(f"ndl-check, {count} threads: {seconds:.2f} s, peak {peak:.0f} MiB", flush=True)
print("    " + "\n    ".join(text.split("\n\n")[0].splitlines()))

Z = sp.load_npz(codes)
Zb = (Z > 0).astype(np.float32)
del Z
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
begun = time.monotonic()
C = Zb.T @ Zb
seconds = time.monotonic() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"scipy.sparse Zb.T @ Zb: {seconds:.2f} s, peak {peak:.0f} MiB ({C.nnz} nonzeros)")
print("ratio: " + ", ".join(f"{seconds / t:.1f} with {count} threads" for count, t in sorted(times.items(), reverse=True)))
os.remove(codes)
os.remove(decoder)
