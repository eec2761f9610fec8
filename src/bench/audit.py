"""The audit against the co-occurrence product: audit.py NDL-CHECK DIRECTORY [SAMPLES [FEATURES [ACTIVE]]]

Makes codes in DIRECTORY, by default 1,000,000 samples x 16,384 features (an uncompressed float32 .npz), in two ways:
    even    exactly ACTIVE = 50 features per sample, their frequencies fall like a power law
    dense   about as many, independent, of Zipf frequencies; 20 features are on in 10 to 60 % of the samples,
            and planted ones fire only when another one does, some of these again in a chain of three
and measures on each, in one run and on the same file,
    1. ndl-check, whole: start, reading, audit of all pairs, with all threads and with one;
    2. what a user would write with scipy.sparse, Zb.T @ Zb, the product alone, without reading.
Checked besides: five shards give the same table, and it lists every planted pair as violated.  The ratio of processor
times hardly depends on what else the machine does; the one of elapsed times does."""
import os
import resource
import subprocess
import sys
import time

import numpy as np
import scipy.sparse as sp

CHECK, DIRECTORY = sys.argv[1:3]
N, K, ACTIVE = (int(word) for word in sys.argv[3:] + ["1000000", "16384", "50"][len(sys.argv) - 3:])
D = 64  # the audit computes cosines only where it needs one: the dimension hardly matters
DENSE, PLANTED, SHARDS = 20, 100, 5


def exponential(rng, count):
    return rng.exponential(size=count).astype(np.float32) + np.float32(0.01)


def even():
    """Exactly ACTIVE distinct features per sample, in increasing order; nothing is planted."""
    rng = np.random.default_rng(1)
    weight = (np.arange(K) + 100.0) ** -0.7
    order, cumulative = rng.permutation(K).astype(np.int32), np.cumsum(weight / weight.sum())[:-1]
    indices = np.empty((N, ACTIVE), np.int32)
    for first in range(0, N, 20000):
        block = order[np.searchsorted(cumulative, rng.random(indices[first:first + 20000].shape))]
        while True:
            block.sort(axis=1)
            again = np.zeros(block.shape, bool)
            again[:, 1:] = block[:, 1:] == block[:, :-1]
            if not again.any():
                break
            block[again] = order[np.searchsorted(cumulative, rng.random(again.sum()))]
        indices[first:first + 20000] = block
    start = np.arange(0, N * ACTIVE + 1, ACTIVE)
    return sp.csr_matrix((exponential(rng, N * ACTIVE), indices.ravel(), start), shape=(N, K)), set()


def dense():
    """Also the planted pairs (descendant, ancestor)."""
    rng = np.random.default_rng(2)
    order = [int(k) for k in rng.permutation(K)]
    rate = np.zeros(K)
    rate[order[:DENSE]] = np.linspace(0.1, 0.6, DENSE)
    zipf = 1 / (np.arange(K - DENSE) + 10)
    rate[order[DENSE:]] = np.minimum(max(ACTIVE - rate.sum(), 5) * zipf / zipf.sum(), 0.1)
    parent = dict(zip(order[-PLANTED:], order[:DENSE // 2] + order[DENSE:]))  # rare features are given parents,
    parent.update(zip(order[-PLANTED - PLANTED // 5:-PLANTED], order[-PLANTED:]))  # and some of them children
    on = {}
    for k in sorted(range(K), key=lambda k: (k in parent) + (parent.get(k) in parent)):
        if k in parent:
            there = on[parent[k]]
            on[k] = there[rng.random(len(there)) < rng.uniform(0.05, 0.6)]
        else:
            on[k] = np.unique(rng.integers(N, size=rng.binomial(N, rate[k]), dtype=np.int32))
    start = np.concatenate([[0], np.cumsum([len(on[k]) for k in range(K)])])
    rows = np.concatenate([on[k] for k in range(K)])
    pairs = {(k, j) for k in parent if len(on[k]) for j in (parent[k], parent.get(parent[k])) if j is not None}
    return sp.csc_matrix((exponential(rng, len(rows)), rows, start), shape=(N, K)).tocsr(), pairs


def files(directory):
    """Codes, decoder, table and shards."""
    path = [os.path.join(directory, f'audit-{what}') for what in ('codes.npz', 'decoder.npy', 'pairs.tsv')]
    return *path, [os.path.join(directory, f'audit-part-{s}.npz') for s in range(SHARDS)]


def write(name, directory):
    """Makes and saves the codes and the decoder, and prints the planted pairs."""
    codes, decoder, _, shards = files(directory)
    Z, planted = even() if name == 'even' else dense()
    sp.save_npz(codes, Z, compressed=False)
    for s, shard in enumerate(shards):
        sp.save_npz(shard, Z[N * s // SHARDS:N * (s + 1) // SHARDS], compressed=False)
    np.save(decoder, np.random.default_rng(3).normal(size=(K, D)).astype(np.float32))
    for pair in planted:
        print(*pair)


def measure(*words):
    """Elapsed seconds, seconds of processor time and peak MiB of a child process, and what it prints.  The peak is
    at least that of this process, which therefore holds no codes."""
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text


def table(path):
    with open(path) as lines:
        return [line for line in lines if line[0] != '#']


def product(path):
    Z = sp.load_npz(path)
    Zb = (Z > 0).astype(np.float32)
    del Z
    begun, processor = time.monotonic(), time.process_time()
    C = Zb.T @ Zb
    print(time.monotonic() - begun, time.process_time() - processor, C.nnz)


def compare(name):
    codes, decoder, pairs, shards = files(DIRECTORY)
    *_, text = measure(sys.executable, __file__, '--' + name, DIRECTORY, str(N), str(K), str(ACTIVE))
    planted = {tuple(map(int, line.split())) for line in text.splitlines()}
    threads = len(os.sched_getaffinity(0))
    print(f'{name}: load average {os.getloadavg()[0]:.2f} on {threads} processors', flush=True)
    arguments = '--decoder', decoder, '--top', '0', '--out', pairs, '--codes'
    elapsed, processor = {}, {}
    for count in sorted({1, threads}, reverse=True):
        elapsed[count], processor[count], peak, text = measure(CHECK, '--threads', str(count), *arguments, codes)
        print(f'    ndl-check, {count} threads: {elapsed[count]:.2f} s, of processors {processor[count]:.2f} s, '
              f'peak {peak:.0f} MiB', flush=True)
    print('        ' + '\n        '.join(text.split('\n\n')[0].splitlines()))
    whole = table(pairs)
    seconds, used, peak, _ = measure(CHECK, *arguments, *shards)
    print(f'    in {SHARDS} shards: {seconds:.2f} s, of processors {used:.2f} s, peak {peak:.0f} MiB, '
          f'table {"identical" if table(pairs) == whole else "DIFFERENT"}')
    violated = {tuple(map(int, line.split('\t')[:2])) for line in whole[1:] if line.split('\t')[8].strip() == '0'}
    print(f'    planted pairs: {len(planted)}, of which listed as violated: {len(planted & violated)}', flush=True)
    *_, peak, text = measure(sys.executable, __file__, '--product', codes)
    seconds, used, nonzeros = map(float, text.split())
    print(f'    scipy.sparse Zb.T @ Zb: {seconds:.2f} s, of processors {used:.2f} s, peak {peak:.0f} MiB '
          f'({nonzeros:.0f} nonzeros)')
    for count in sorted(elapsed, reverse=True):
        print(f'    ratio, {count} threads: {seconds / elapsed[count]:.1f} elapsed, {used / processor[count]:.1f} of '
              'processors', flush=True)
    for file in codes, decoder, pairs, *shards:
        os.remove(file)


if CHECK == '--product':
    product(DIRECTORY)
elif CHECK in ('--even', '--dense'):
    write(CHECK[2:], DIRECTORY)
else:
    compare('even')
    compare('dense')
