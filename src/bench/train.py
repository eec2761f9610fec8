"""A training step against PyTorch: train.py NDL-TRAIN DIRECTORY [ROUNDS [THREADS]]

The same model (K = 512 latents, d = 64, batches of 1,024, the same start and data) is trained by ndl-train and by
PyTorch, with THREADS threads each (default 2), in turn: ROUNDS rounds (default 7) of 100 steps each, and every ratio is
of one round.  With one thread there is a ratio of processor times too, which hardly depends on what else runs (with more,
PyTorch's threads wait busily).
PyTorch runs in float64, the precision of ndl-train, and in its usual float32; its models are written as their authors
do, with autograd, torch.optim.Adam, the parallel part of the decoder's gradient removed and unit norms restored.
A batch is the whole data set, so that both see the same: that the losses agree after training is checked.

Printed: time per step, ratios (median, and the least and largest of the rounds), and the share of the dgemm rate,
measured in the same run as the product of two matrices of 1,024 x 1,024, for the one product that every step of ndl-train
has to do (X E^T, 2 batch K d operations) and for the five of a dense step."""
import json
import os
import subprocess
import sys
import tempfile
import time

TRAIN, DIRECTORY = sys.argv[1:3]
ROUNDS, THREADS = (int(word) for word in sys.argv[3:] + ["7", "2"][len(sys.argv) - 3:])
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(THREADS)  # read when torch is loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402

D, K, BATCH, STEPS, RATE = 64, 512, 1024, 100, 1e-3
BUDGET = 32


def data():
    """12 of 1,024 random directions each, of size 1 to 2, and a little noise; then a start of unit rows."""
    rng = np.random.default_rng(1)
    true = rng.standard_normal((1024, D))
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    x = 0.02 * rng.standard_normal((BATCH, D))
    for i in range(BATCH):
        x[i] += rng.uniform(1, 2, 12) @ true[rng.choice(1024, 12, replace=False)]
    start = rng.standard_normal((K, D))
    return x, start / np.linalg.norm(start, axis=1, keepdims=True)


def codes(objective, pre):
    if objective == "topk":
        value, index = torch.topk(pre, BUDGET, dim=-1)
        return torch.zeros_like(pre).scatter(-1, index, torch.relu(value))
    z = torch.relu(pre)
    if objective == "batchtopk":
        flat = z.flatten()
        value, index = torch.topk(flat, BUDGET * BATCH)
        z = torch.zeros_like(flat).scatter(-1, index, value).reshape(z.shape)
    return z


def train_torch(objective, weight, x, start, dtype):
    """Seconds and processor seconds of a step, and the loss at the last of STEPS."""
    x = torch.tensor(x, dtype=dtype)
    encoder = torch.nn.Parameter(torch.tensor(start.T.copy(), dtype=dtype))
    decoder = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
    b_enc = torch.nn.Parameter(torch.zeros(K, dtype=dtype))
    b_dec = torch.nn.Parameter(torch.zeros(D, dtype=dtype))
    adam = torch.optim.Adam([encoder, decoder, b_enc, b_dec], lr=RATE)
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        adam.zero_grad()
        z = codes(objective, (x - b_dec) @ encoder + b_enc)
        loss = ((x - z @ decoder - b_dec) ** 2).sum(1).mean()
        if objective == "l1":
            loss = loss + weight * z.sum(1).mean()
        loss.backward()
        with torch.no_grad():
            decoder.grad -= (decoder.grad * decoder).sum(1, keepdim=True) * decoder
        adam.step()
        with torch.no_grad():
            decoder /= decoder.norm(dim=1, keepdim=True)
    seconds, cpu = (time.perf_counter() - begun) / STEPS, (time.process_time() - cpu) / STEPS
    return seconds, cpu, float(loss)


def train_ours(objective, weight, work):
    """The same of ndl-train (its processor time is that of the whole program), and its codes per sample."""
    out = f"{work}/{objective}{weight}"
    before = os.times()
    subprocess.run([TRAIN, f"{work}/X.npy", "--objective", objective, "--latents", str(K), "--batch", str(BATCH),
                    "--steps", str(STEPS), "--rate", str(RATE), "--decay", "0", "--lambda", str(weight), "--k", str(BUDGET),
                    "--init", f"{work}/start.npy", "--init-bias", f"{work}/zero.npy", "--threads", str(THREADS),
                    "--quiet", "--out", out], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    with open(f"{out}/report.json", encoding="utf-8") as file:
        report = json.load(file)
    return (report["train_seconds"] / STEPS, cpu / STEPS, report["last_batch_loss"],
            report["nonzeros_per_sample"])


def dgemm_rate():
    """Operations per second of a large product."""
    a = torch.rand(1024, 1024, dtype=torch.float64)
    best = min(timed(lambda: a @ a) for _ in range(10))
    return 2 * 1024 ** 3 / best


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun  # on a busy machine the least of several is still about right


def spread(values):
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def compare(objective, weight, x, start, work):
    """A row of the table, from rounds in which each is run once."""
    ours, double, single, peak, on = [], [], [], [], 0
    for _ in range(ROUNDS):
        peak.append(dgemm_rate())
        *times, loss, on = train_ours(objective, weight, work)
        ours.append(times)
        *times, loss64 = train_torch(objective, weight, x, start, torch.float64)
        double.append(times)
        single.append(train_torch(objective, weight, x, start, torch.float32)[:2])
    if not abs(loss / loss64 - 1) < 1e-6:  # rounding, grown by STEPS of training
        sys.exit(f"{objective}: loss {loss} by ndl-train, {loss64} by PyTorch")
    ours, double, single = (np.array(times) for times in (ours, double, single))
    measure = 1 if THREADS == 1 else 0  # processor time is what one thread needs of a busy machine
    share = 2 * BATCH * K * D / (np.min(ours[:, measure]) * max(peak))
    row = [f"{objective}, lambda {weight}" if weight else objective, f"{on:.0f}"]
    row += [f"{1000 * np.median(times[:, measure]):.2f} ms" for times in (ours, double, single)]
    row += [spread(double[:, measure] / ours[:, measure]), spread(single[:, measure] / ours[:, measure])]
    row += [f"{100 * share:.0f} %", f"{500 * share:.0f} %", f"{abs(loss / loss64 - 1):.0e}"]
    return "| " + " | ".join(row) + " |"


def main():
    torch.set_num_threads(THREADS)
    x, start = data()
    print(f"PyTorch {torch.__version__}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {ROUNDS} rounds of "
          f"{STEPS} steps, {THREADS} threads, {'processor' if THREADS == 1 else 'elapsed'} time\n")
    print("| objective | codes per sample at last | ndl-train | float64 | float32 | float64 / ndl-train | float32 / ndl-train | "
          "one product at the peak | five | losses differ by |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=DIRECTORY) as work:
        np.save(f"{work}/X.npy", x)
        np.save(f"{work}/start.npy", start)
        np.save(f"{work}/zero.npy", np.zeros(D))
        # Of an L1 SAE half of the codes are on at first; a large penalty soon leaves few of them.
        for objective, weight in (("l1", 1), ("l1", 8), ("topk", 0), ("batchtopk", 0)):
            print(compare(objective, weight, x, start, work), flush=True)


main()
