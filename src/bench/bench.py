#!/usr/bin/python3
"""ndl-encode and ndl-fit against scikit-learn, in one run on the same data: bench.py BUILD [WORKLOAD...]

Writes BUILD/bench/encode.tsv, learn.tsv and trace-WORKLOAD-TOOL-THREADS.tsv, and prints tables.
Losses are in the common form sum |x - zD|^2 + lambda sum z_k |d_k|, lambda 0.2 (alpha = 0.1), recomputed
here for both.  Times are those of the computation in memory, without reading and writing.  Of the large
workload scikit-learn gets the first few samples only, and learning is compared on these."""
import csv, json, os, subprocess, sys, time, warnings

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import dict_learning, sparse_encode
from sklearn.linear_model import Lasso
from threadpoolctl import threadpool_limits

BUILD, NAMES = sys.argv[1], sys.argv[2:] or ['tiny', 'medium', 'large']
DIR, LAMBDA = f'{BUILD}/bench', 0.2
ENCODE_ROWS = {'large': 2000}  # scikit-learn's share, else all
LEARN_ROWS = {'large': 4000}
LEARN_SECONDS = {'tiny': 5, 'medium': 40, 'large': 40}
warnings.filterwarnings('ignore')


def measure(X, D, Z):
    """Loss and relative duality gap of the codes Z for atoms D of any norm."""
    norm = np.linalg.norm(D, axis=1)
    norm[norm == 0] = 1
    loss = dual = 0.0
    for first in range(0, len(X), 5000):
        x, z = X[first:first + 5000], Z[first:first + 5000]
        r = x - z @ D
        l1 = np.asarray(z @ norm).ravel().sum()
        rr, rx = np.einsum('ij,ij->i', r, r), np.einsum('ij,ij->i', r, x)
        most = np.maximum((r @ D.T / norm).max(axis=1), 1e-300)
        t = np.clip(rx / np.maximum(rr, 1e-300), 0, LAMBDA / 2 / most)
        loss += rr.sum() + LAMBDA * l1
        dual += (2 * t * rx - t * t * rr).sum()
    return loss, (loss - dual) / loss


def best_of(work, seconds=1.0, most=5):
    times, result = [], None
    while not times or (sum(times) < seconds and len(times) < most):
        begun = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begun)
    return min(times), result


def ndl(tool, *arguments):
    done = subprocess.run([f'{BUILD}/bin/{tool}', *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in (0, 1):  # 1: done, short of the accuracy asked for; the table shows it
        sys.exit(done.stderr)
    return done.stdout


def ndl_encode(name, atoms, threads):
    out, report = f'{DIR}/codes.npz', None
    for _ in range(3):
        new = json.loads(ndl('ndl-encode', f'{DIR}/{name}-X.npy', '--decoder', f'{DIR}/{name}-{atoms}.npy', '--lambda',
                             LAMBDA, '--out', out, '--json', '--threads', threads))
        report = new if report is None or new['coding_seconds'] < report['coding_seconds'] else report
        if new['seconds'] > 5:
            break
    return report['coding_seconds'], sp.load_npz(out)


def tight_lasso(X, D):
    model = Lasso(alpha=LAMBDA / 2 / X.shape[1], fit_intercept=False, precompute=D @ D.T, positive=True, tol=1e-7,
                  max_iter=10000)
    return model.fit(D.T, X.T).coef_.reshape(len(X), len(D))


def sklearn_encoders(threads):
    def encode(algorithm):
        return lambda X, D: sparse_encode(X, D, algorithm=algorithm, alpha=LAMBDA / 2, positive=True, n_jobs=threads,
                                          max_iter=10000)
    return {'lasso_cd': encode('lasso_cd'), 'lasso_lars': encode('lasso_lars'), 'Lasso tol 1e-7': tight_lasso}


def bench_encode(writer, name):
    X = np.load(f'{DIR}/{name}-X.npy')
    rows = ENCODE_ROWS.get(name, len(X))
    for atoms in ('D', 'D0'):
        D = np.load(f'{DIR}/{name}-{atoms}.npy')
        for threads in (1, 2):
            found = []
            seconds, Z = ndl_encode(name, atoms, threads)
            found.append(('ndl-encode', seconds, len(X), *measure(X, D, Z), Z.nnz / len(X)))
            for variant, encode in sklearn_encoders(threads).items():
                if threads == 2 and variant.startswith('Lasso'):
                    continue  # has no threads
                with threadpool_limits(threads):
                    seconds, Z = best_of(lambda encode=encode: encode(X[:rows], D))
                Z = np.maximum(Z, 0)
                found.append((variant, seconds, rows, *measure(X[:rows], D, Z), np.count_nonzero(Z) / rows))
            ours = found[0][1] / found[0][2]
            for tool, seconds, n, loss, gap, nonzeros in found:
                ratio = seconds / n / ours
                print(f'{name:8}{atoms:4}{threads:2}  {tool:16}{1e6 * seconds / n:10.3f} us  ratio {ratio:8.1f}  '
                      f'gap {gap:9.1e}  loss/N {loss / n:.8f}  nonzeros {nonzeros:.2f}', flush=True)
                writer.writerow([name, atoms, threads, tool, n, seconds, 1e6 * seconds / n, ratio, gap, loss / n])


def save_trace(name, tool, threads, points):
    with open(f'{DIR}/trace-{name}-{tool}-{threads}.tsv', 'w') as out:
        print('# seconds\tloss', file=out)
        for point in points:
            print('%.6f\t%.12g' % point, file=out)


class Enough(Exception):
    pass


def sklearn_learn(name, X, D0, threads):
    points, spent = [], [0.0]
    begun = time.perf_counter()

    def look(state):  # every fifth iteration; its own time does not count
        now = time.perf_counter()
        points.append((now - begun - spent[0], measure(X, state['dictionary'], np.maximum(state['code'], 0))[0]))
        if points[-1][0] > LEARN_SECONDS[name]:
            raise Enough
        spent[0] += time.perf_counter() - now

    try:
        with threadpool_limits(threads):
            dict_learning(X, len(D0), alpha=LAMBDA / 2, max_iter=1000, tol=1e-12, method='cd', n_jobs=threads,
                          dict_init=D0, code_init=np.zeros((len(X), len(D0))), callback=look, positive_code=True)
    except Enough:
        pass
    save_trace(name, 'sklearn', threads, points)
    return points


def ndl_learn(name, data, threads):
    ndl('ndl-fit', data, '--init', f'{DIR}/{name}-D0.npy', '--lambda', LAMBDA, '--no-bias', '--threads', threads,
        '--out', f'{DIR}/fit', '--trace', f'{DIR}/fit.tsv')
    report = json.load(open(f'{DIR}/fit/report.json'))
    with open(f'{DIR}/fit.tsv') as lines:
        points = [(float(line.split('\t')[0]), float(line.split('\t')[3])) for line in lines if line[0] != '#']
    # The solver begins with some of the samples; on all of them the loss never rises.
    rises = [i for i in range(1, len(points)) if points[i][1] > points[i - 1][1] * (1 + 1e-12)]
    points = points[rises[-1] if rises else 0:]
    save_trace(name, 'ndl', threads, points)
    return points, report


def bench_learn(writer, name):
    X = np.load(f'{DIR}/{name}-X.npy')
    data, D0 = f'{DIR}/{name}-X.npy', np.load(f'{DIR}/{name}-D0.npy')
    if name in LEARN_ROWS:
        X, data = X[:LEARN_ROWS[name]], f'{DIR}/{name}-some.npy'
        np.save(data, X)
    for threads in (1, 2):
        ours, report = ndl_learn(name, data, threads)
        theirs = sklearn_learn(name, X, D0, threads)
        best = min(loss for _, loss in theirs) * (1 + 1e-6)  # not its last digits, which take it longest
        reached = next((t for t, loss in ours if loss <= best), float('nan'))
        when = next(t for t, loss in theirs if loss <= best)
        print(f'{name:8}learn {threads} threads, {len(X)} samples: ndl {report["loss"]:.6f} in '
              f'{report["fit_seconds"]:.3f} s (KKT {report["kkt"]["worst"]:.1e}); sklearn {best:.6f} in {when:.2f} s, '
              f'which ndl has after {reached:.3f} s (ratio {when / reached:.0f})', flush=True)
        writer.writerow([name, threads, len(X), 'ndl-fit', report['fit_seconds'], report['loss'], report['kkt']['worst']])
        writer.writerow([name, threads, len(X), 'sklearn', when, best, 'nan'])


def peak(threads, n=2048):
    A = np.random.default_rng(1).standard_normal((n, n))
    with threadpool_limits(threads):
        return 2 * n ** 3 / best_of(lambda: A @ A, 1.0, 10)[0]


def table(file, columns):
    out = open(f'{DIR}/{file}', 'w', newline='')
    out.write('# ' + '\t'.join(columns) + '\n')
    return out, csv.writer(out, delimiter='\t', lineterminator='\n')


def main():
    print('dgemm, GFLOP/s with 1 and 2 threads: %.0f %.0f' % (peak(1) / 1e9, peak(2) / 1e9), flush=True)
    out, writer = table('encode.tsv', ['workload', 'atoms', 'threads', 'tool', 'samples', 'seconds', 'us_per_sample',
                                       'ratio', 'gap', 'loss_per_sample'])
    with out:
        for name in NAMES:
            bench_encode(writer, name)
    out, writer = table('learn.tsv', ['workload', 'threads', 'samples', 'tool', 'seconds', 'loss', 'kkt'])
    with out:
        for name in NAMES:
            bench_learn(writer, name)


if __name__ == '__main__':
    main()
