#!/usr/bin/python3
"""Data for the benchmark: workloads.py DIRECTORY [tiny] [medium] [large]

Writes NAME-X.npy (N x d samples), NAME-D.npy (K x d, the atoms they are made of) and NAME-D0.npy (a
start: K distinct samples, normalised), unless they are there.  lambda is 0.2, without a bias.
    tiny    d 16, K 8, N 2,000: a parent on half of the samples, in its company at most one of
            four children, each on 0.15 of those; three atoms are never used; noise 0.01
    medium  d 64, K 128, N 20,000: features fire independently, each on 0.03 of the samples
    large   d 256, K 1,024, N 100,000: the same with 0.01 (200 MB)
Atoms are uniformly random directions, activations uniform between 0.5 and 1.5."""
import os
import sys

import numpy as np

PIECE = 10_000  # samples drawn at a time


def directions(rng, d, K):
    """d x K: a random direction per column."""
    A = rng.standard_normal((d, K))
    return A / np.linalg.norm(A, axis=0)


def tiny():
    rng = np.random.default_rng(1)
    A = directions(rng, 16, 8)
    Z = np.zeros((8, 2000))
    on = rng.random(2000) < 0.5
    Z[0] = on * rng.uniform(0.5, 1.5, 2000)
    which = (rng.random(2000) / 0.15).astype(int)
    for child in range(4):
        Z[child + 1] = (on & (which == child)) * rng.uniform(0.5, 1.5, 2000)
    X = A @ Z
    return X + 0.01 * rng.standard_normal(X.shape), A


def independent(seed, d, K, N, rate, piece):
    rng = np.random.default_rng(seed)
    A = directions(rng, d, K)
    X = np.empty((d, N))
    for first in range(0, N, piece):
        columns = slice(first, first + piece)
        fires = rng.random((K, min(piece, N - first))) < rate
        X[:, columns] = A @ (fires * rng.uniform(0.5, 1.5, fires.shape))
    return X, A


MAKERS = {'tiny': tiny,
          'medium': lambda: independent(2, 64, 128, 20_000, 0.03, 20_000),
          'large': lambda: independent(3, 256, 1024, 100_000, 0.01, PIECE)}


def main():
    directory, names = sys.argv[1], sys.argv[2:] or list(MAKERS)
    os.makedirs(directory, exist_ok=True)
    for name in names:
        path = os.path.join(directory, name)
        if os.path.exists(path + '-D0.npy'):
            continue
        X, A = MAKERS[name]()
        live = np.flatnonzero(np.einsum('dn,dn->n', X, X) > 1e-12)
        start = X[:, np.random.default_rng(0).choice(live, A.shape[1], replace=False)]
        for suffix, columns in (('X', X), ('D', A), ('D0', start / np.linalg.norm(start, axis=0))):
            np.save(f'{path}-{suffix}.npy', np.ascontiguousarray(columns.T))


if __name__ == '__main__':
    main()
