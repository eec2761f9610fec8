#!/bin/sh
# ndl-train: every objective gives a folder that ndl-check reads, the same bytes for any number of threads
# and after kill -9, a loss that is not finite, and every kind of bad input: one line, exit 2, no result.
. tests/cli.sh
train=$BUILD/bin/ndl-train
check=$BUILD/bin/ndl-check
sample=$BUILD/bin/ndl-sample
root=$(pwd)
cd "$scratch" || exit 1
case $train in /*) ;; *) train=$root/$train check=$root/$check sample=$root/$sample ;; esac
exits 0 "$sample" "$root/datasets/dog.tree" --dim 12 --samples 3000 --noise 0.02 --out X.npy --decoder D.npy

# ------------------------------------------------------------ every objective
printf '%s\n' -1 0 0 -1 -1 -1 -1 -1 >parents.tsv
"$train" --objectives | cut -d ' ' -f 1 >names
[ "$(wc -l <names)" -ge 17 ] || complain "only $(wc -l <names) objectives"
while read -r name; do
    exits 0 "$train" X.npy --objective "$name" --latents 8 --k 2 --levels 4,8 --parents parents.tsv --steps 60 \
        --rate 0.01 --bandwidth 0.1 --threshold 0.1 --dead-after 2000 --out "$name"
    says '^error .* of the variance$'
    [ "$(ls -A "$name" | tr '\n' ' ')" = 'cfg.json report.json sae_weights.safetensors ' ] ||
        complain "$name: files: $(ls -A "$name")"
    grep -q "\"objective\":.\"$name\"" "$name/cfg.json" || complain "$name: cfg.json does not name it"
    codes=$(sed -n 's/^codes  *\([0-9.]*\) .*/\1/p' "$scratch/out")
    exits 0 "$check" --sae "$name" --activations X.npy --json
    # ndl-check has the weights in float32: a code in a thousand may come or go.
    awk -v a="$codes" -v b="$(sed -n 's/.*"nonzeros":[^0-9]*\([0-9]*\).*/\1/p' "$scratch/out")" \
        'BEGIN {d = a - b / 3000; if (d < 0) d = -d; exit !(b != "" && d <= 0.001 * a + 0.001)}' ||
        complain "$name: $codes codes per sample, ndl-check finds others"
done <names

# ------------------------------------------------------ the same for any threads
for threads in 1 3; do # large enough for threads to be used
    exits 0 "$train" X.npy --objective matryoshka --latents 96 --k 3 --levels 16,96 --batch 512 --steps 20 \
        --threads $threads --out threads$threads
done
same threads1/sae_weights.safetensors threads3/sae_weights.safetensors
same threads1/cfg.json threads3/cfg.json
exits 0 "$train" X.npy --objective matryoshka --latents 96 --k 3 --levels 16,96 --batch 512 --steps 20 --seed 2 \
    --out seed2
cmp -s threads1/sae_weights.safetensors seed2/sae_weights.safetensors && complain 'the seed changes nothing'

# -------------------------------------------------------------------- kill -9
set -- X.npy --objective p-annealing --latents 24 --steps 8000 --checkpoint-every 50
exits 0 "$train" "$@" --out whole
"$train" "$@" --out broken >/dev/null 2>&1 &
victim=$!
while [ ! -e broken/checkpoint ] && kill -0 $victim 2>/dev/null; do sleep 0.01; done
kill -9 $victim
wait $victim 2>/dev/null
if [ -e broken/checkpoint ]; then
    [ ! -e broken/cfg.json ] || complain 'results of a run that was killed'
    exits 2 "$train" "$@" --out broken
    says '^ndl-train: broken/checkpoint: of a run that was broken off; --resume continues it, or remove it$'
    exits 2 "$train" "$@" --lambda 0.3 --resume --out broken
    says "^ndl-train: broken/checkpoint: is of another run: 'lambda 0.1.*' there, 'lambda 0.2.*' here$"
    exits 0 "$train" "$@" --resume --threads 3 --out broken
    grep -q '"first_step":.0,' broken/report.json && complain 'nothing was resumed'
else
    complain 'the run was over before it could be killed'
fi
same whole/sae_weights.safetensors broken/sae_weights.safetensors
same whole/cfg.json broken/cfg.json
[ ! -e broken/checkpoint ] || complain 'a checkpoint is left'
# Without a checkpoint, --resume begins at the beginning: a job may be started by the same command always.
exits 0 "$train" "$@" --resume --steps 60 --out fresh

# ----------------------------------------------------------------- starts
printf '0 0 0 0 0 0 0 0 0 0 0 0\n' >zero.tsv
exits 0 "$train" X.npy --objective jumprelu --threshold 0.2 --bandwidth 0.1 --lambda 0.04 --latents 4 --init D.npy \
    --init-bias zero.tsv --steps 200 --out truth
says '^codes  *[0-9.]* per sample; 0 of 4 latents never on$'

# --------------------------------------------------------------- not finite
exits 2 "$train" X.npy --objective l1 --latents 8 --rate 1e200 --out infinite
says '^ndl-train: step [23]: the loss is [a-z-]*\(; first not finite: the gradient of [Wb]_[a-z]* of [a-z]* [0-9]*\)*$'
[ ! -e infinite ] || complain "something is left: $(ls -A infinite)"
printf '1 2\n3 nan\n' >nan.tsv
exits 2 "$train" nan.tsv --objective l1 --latents 2 --out never
says '^ndl-train: nan.tsv:2: field 2'

# ---------------------------------------------------------------- bad input
# refused STATUS PATTERN OPTION...
refused() {
    status=$1 pattern=$2
    shift 2
    exits "$status" "$train" "$@" --out never
    says "$pattern"
    [ "$status" -ne 2 ] || [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "not one line: $*"
    [ ! -e never ] || complain "something is written: $*"
}
printf '1 2\n' >two.tsv
printf '0 0\n' >zeros.tsv
refused 64 "no objective 'l2'" X.npy --objective l2 --latents 4
refused 64 'are required' X.npy --objective l1
refused 64 'are required' --objective l1 --latents 4
refused 64 '\-\-lambda' X.npy --objective l1 --latents 4 --lambda -1
refused 64 '\-\-levels' X.npy --objective matryoshka-l1 --latents 4 --levels 2,x
refused 64 'has 1 numbers' X.npy --objective matryoshka-l1 --latents 4 --levels 2,4 --prefix-weights 1
refused 64 'needs --init' X.npy --objective l1 --latents 4 --init-encoder D.npy
refused 2 'k of topk is 0' X.npy --objective topk --latents 4
refused 2 'k of topk is 5' X.npy --objective topk --latents 4 --k 5
refused 2 'not at 5, the number of latents' X.npy --objective matryoshka-l1 --latents 5 --levels 2,4
refused 2 'needs levels' X.npy --objective levels --latents 5
refused 2 'needs the parent' X.npy --objective treemax --latents 5
refused 2 'two.tsv: 2 numbers for 5 latents' X.npy --objective treemax --latents 5 --parents two.tsv
refused 2 'two.tsv: the parent of latent 0 is 1' X.npy --objective treemax --latents 2 --parents two.tsv
refused 2 'two.tsv: 2 numbers for 5 latents' X.npy --objective levels --latents 5 --weights two.tsv
refused 2 'two.tsv: 2 columns, but X.npy has 12' X.npy --objective l1 --latents 5 --init two.tsv
refused 2 'zeros.tsv: row 0 is zero' zeros.tsv --objective l1 --latents 5 --init zeros.tsv
refused 2 'D.npy.*12 for an SAE\|4 atoms in 12' X.npy --objective l1 --latents 2 --init D.npy
refused 2 'beta1 is 1' X.npy --objective l1 --latents 4 --beta1 1
refused 2 'unit norms' X.npy --objective topk --k 1 --latents 4 --free-norms
refused 2 'nowhere.npy: ' nowhere.npy --objective l1 --latents 4
: >file
exits 2 "$train" X.npy --objective l1 --latents 4 --out file/run && says 'ndl-train: file/run: Not a directory'
head -c 100 /dev/zero >junk
mkdir other && cp junk other/checkpoint
exits 2 "$train" X.npy --objective l1 --latents 4 --resume --out other
says 'ndl-train: other/checkpoint: not a checkpoint of this program'
finish
