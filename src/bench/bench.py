#!/usr/bin/python3
"""ndl-encode and ndl-fit against scikit-learn, in one run on the same data: bench.py BUILD [WORKLOAD...]

Writes BUILD/bench/encode.tsv, learn.tsv and trace-WORKLOAD-TOOL-THREADS.tsv, prints tables, and
BUILD/bench/summary.md, the table that README.md here explains.
Losses are in the common form sum |x - zD|^2 + lambda sum z_k |d_k|, lambda 0.2 (alpha = 0.1), recomputed
here for both.  Times are those of the computation in memory, without reading and writing.  scikit-learn codes the
first few samples only (its time per sample does not depend on how many), and learns for a limited time; learning
the large workload is compared on its first samples.  ndl-fit learns it whole besides.  All that is about a quarter of
an hour on two calm cores."""
import csv
import json
import os
import platform
import subprocess
import sys
import time
import warnings

os.environ['PYTHONWARNINGS'] = 'ignore'  # for the workers of scikit-learn, of convergence
warnings.filterwarnings('ignore')        # and here

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.decomposition import dict_learning, sparse_encode
from sklearn.linear_model import Lasso
from threadpoolctl import threadpool_limits

BUILD, NAMES = sys.argv[1], sys.argv[2:] or ['tiny', 'medium', 'large']
DIR, LAMBDA = f'{BUILD}/bench', 0.2
ENCODE_ROWS = {'medium': 4000, 'large': 500}  # scikit-learn's share, else all
LEARN_ROWS = {'large': 4000}
LEARN_SECONDS = {'tiny': 5, 'medium': 40, 'large': 40}
TARGET = 193_700  # a loss of the large workload, for its time
SUMMARY = []  # rows of the table


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


def summarise(*row):
    SUMMARY.append('| ' + ' | '.join(row) + ' |')


def bench_encode(writer, name, flops):
    X = np.load(f'{DIR}/{name}-X.npy')
    rows = ENCODE_ROWS.get(name, len(X))
    for atoms in ('D', 'D0'):
        D = np.load(f'{DIR}/{name}-{atoms}.npy')
        for threads in (1, 2):
            found = []
            seconds, Z = ndl_encode(name, atoms, threads)
            found.append(('ndl-encode', seconds, len(X), *measure(X, D, Z), Z.nnz / len(X)))
            for variant, encode in sklearn_encoders(threads).items():
                with threadpool_limits(threads):
                    seconds, Z = best_of(lambda encode=encode: encode(X[:rows], D))
                Z = np.maximum(Z, 0)
                found.append((variant, seconds, rows, *measure(X[:rows], D, Z), np.count_nonzero(Z) / rows))
            ours = found[0][1] / found[0][2]
            share = 2 * D.size / ours / flops[threads]  # of the peak, for one product X D^T
            theirs = min((row for row in found[1:] if row[4] < 1e-6), key=lambda row: row[1] / row[2])
            summarise(f'code {name}, {"true atoms" if atoms == "D" else "start"}', f'{threads}', f'{1e6 * ours:.3g} us',
                      f'{found[0][4]:.0e}', f'{1e6 * theirs[1] / theirs[2]:.3g} us ({theirs[0]})', f'{theirs[4]:.0e}',
                      f'{theirs[1] / theirs[2] / ours:.0f}', f'{100 * share:.2g} %')
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
        if now - begun - spent[0] > LEARN_SECONDS[name] and points:
            raise Enough
        points.append((now - begun - spent[0], measure(X, state['dictionary'], np.maximum(state['code'], 0))[0]))
        spent[0] += time.perf_counter() - now

    try:
        with threadpool_limits(threads):
            dict_learning(X, len(D0), alpha=LAMBDA / 2, max_iter=1000, tol=1e-12, method='cd', n_jobs=threads,
                          dict_init=D0, code_init=np.zeros((len(X), len(D0))), callback=look, positive_code=True)
    except Enough:
        pass
    save_trace(name, 'sklearn', threads, points)
    return points


def ndl_learn(name, data, threads, label=None):
    ndl('ndl-fit', data, '--init', f'{DIR}/{name}-D0.npy', '--lambda', LAMBDA, '--no-bias', '--threads', threads,
        '--out', f'{DIR}/fit', '--trace', f'{DIR}/fit.tsv')
    report = json.load(open(f'{DIR}/fit/report.json'))
    with open(f'{DIR}/fit.tsv') as lines:
        points = [(float(line.split('\t')[0]), float(line.split('\t')[3])) for line in lines if line[0] != '#']
    # The solver begins with some of the samples; on all of them the loss never rises.
    rises = [i for i in range(1, len(points)) if points[i][1] > points[i - 1][1] * (1 + 1e-12)]
    points = points[rises[-1] if rises else 0:]
    save_trace(label or name, 'ndl', threads, points)
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
        ours_then = min((loss for t, loss in ours if t <= when), default=float('nan'))
        summarise(f'learn {name}, {len(X)} samples', f'{threads}',
                  f'{report["loss"]:.7g} in {report["fit_seconds"]:.3g} s', f'KKT {report["kkt"]["worst"]:.0e}',
                  f'{best:.7g} in {when:.3g} s', '',
                  f'{when / reached:.3g} at equal loss; {100 * (best / ours_then - 1):.2g} % of loss at equal time',
                  '')
        print(f'{name:8}learn {threads} threads, {len(X)} samples: ndl {report["loss"]:.6f} in '
              f'{report["fit_seconds"]:.3f} s (KKT {report["kkt"]["worst"]:.1e}); sklearn {best:.6f} in {when:.2f} s, '
              f'which ndl has after {reached:.3f} s (ratio {when / reached:.0f})', flush=True)
        writer.writerow([name, threads, len(X), 'ndl-fit', report['fit_seconds'], report['loss'],
                         report['kkt']['worst']])
        writer.writerow([name, threads, len(X), 'sklearn', when, best, 'nan'])


def learn_whole(name):
    """ndl-fit alone, on all samples."""
    points, report = ndl_learn(name, f'{DIR}/{name}-X.npy', 2, f'{name}-whole')
    when = next((t for t, loss in points if loss <= TARGET), float('nan'))
    print(f'{name:8}learn 2 threads, all samples: ndl {report["loss"]:.6f} in {report["fit_seconds"]:.1f} s '
          f'(KKT {report["kkt"]["worst"]:.1e}); {TARGET} after {when:.1f} s', flush=True)
    summarise(f'learn {name}, all samples', '2', f'{report["loss"]:.7g} in {report["fit_seconds"]:.3g} s',
              f'KKT {report["kkt"]["worst"]:.0e}', '', '', f'{TARGET} after {when:.3g} s', '')


def processor():
    with open('/proc/cpuinfo') as lines:
        names = [line.split(':')[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def write_summary(flops, load):
    with open(f'{DIR}/summary.md', 'w') as out:
        print(f'{time.strftime("%Y-%m-%d", time.gmtime())}, {len(os.sched_getaffinity(0))} cores, {processor()}, load '
              f'average {load:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end; dgemm '
              f'{flops[1] / 1e9:.0f} GFLOP/s with one thread, {flops[2] / 1e9:.0f} with two; scikit-learn '
              f'{sklearn.__version__}.\n\n| | threads | ndl | gap | scikit-learn | gap | ratio | X D^T at the peak |\n'
              '|---|---|---|---|---|---|---|---|', *SUMMARY, sep='\n', file=out)


def peak(threads, n=2048):
    A = np.random.default_rng(1).standard_normal((n, n))
    with threadpool_limits(threads):
        return 2 * n ** 3 / best_of(lambda: A @ A, 1.0, 10)[0]


def table(file, columns):
    out = open(f'{DIR}/{file}', 'w', newline='')
    out.write('# ' + '\t'.join(columns) + '\n')
    return out, csv.writer(out, delimiter='\t', lineterminator='\n')


def main():
    load, flops = os.getloadavg()[0], {threads: peak(threads) for threads in (1, 2)}
    print('dgemm, GFLOP/s with 1 and 2 threads: %.0f %.0f' % (flops[1] / 1e9, flops[2] / 1e9), flush=True)
    out, writer = table('encode.tsv', ['workload', 'atoms', 'threads', 'tool', 'samples', 'seconds', 'us_per_sample',
                                       'ratio', 'gap', 'loss_per_sample'])
    with out:
        for name in NAMES:
            bench_encode(writer, name, flops)
    out, writer = table('learn.tsv', ['workload', 'threads', 'samples', 'tool', 'seconds', 'loss', 'kkt'])
    with out:
        for name in NAMES:
            bench_learn(writer, name)
    if 'large' in NAMES:
        learn_whole('large')
    write_summary(flops, load)


if __name__ == '__main__':
    main()
