#!/bin/sh
# The first layer of the chess network: the C reader against a second reader in Python, and this
# against the engine's own evaluation.  Skipped where another version of the engine is installed.
. tests/cli.sh
engine=/usr/games/stockfish
[ -x $engine ] || exit 77
"$BUILD/tests/chess_accumulators" $engine datasets/chess/self-play.txt 2003 >"$scratch/sums"
status=$?
[ $status -ne 77 ] || exit 77
[ $status -eq 0 ] || complain "chess_accumulators: exit $status"
/usr/bin/python3 tests/python_chess.py $engine datasets/chess/self-play.txt <"$scratch/sums" >"$scratch/out" 2>&1 ||
    { complain 'the readers or the engine disagree'; cat "$scratch/out"; }
head -n 3 datasets/chess/self-play.txt >"$scratch/three"
# The script that made the games makes them again.
exits 0 python3 datasets/chess/self-play.py 2
head -n 2 "$scratch/three" >"$scratch/two"
same "$scratch/out" "$scratch/two"
echo 'e2e4 e7e5 e4e5' >"$scratch/faulty"
exits 0 "$BUILD/tests/chess_accumulators" $engine "$scratch/two" 50
exits 2 "$BUILD/tests/chess_accumulators" $engine "$scratch/missing" 1 && says 'missing: No such file'
finish
