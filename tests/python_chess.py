"""Reads the chess network a second time, in Python, and compares with the engine's own evaluation
and with what the C reader prints.

    python_chess.py ENGINE GAMES < output of chess_accumulators

The engine tells the positions (its command d) and what all eight of its second networks make of
them (eval), so that a wrong feature, weight or order of layers would show.
"""
import re
import subprocess
import sys

import numpy as np

engine_path, games_path = sys.argv[1:]
program = open(engine_path, "rb").read()
at = program.index(bytes.fromhex("202ff37a" "f22e101c")) + 8


def take(dtype, *shape):
    """The next array of the network."""
    global at
    values = np.frombuffer(program, dtype, int(np.prod(shape)), at).reshape(shape)
    at += values.nbytes
    return values


described = int(take("<u4", 1)[0])
at += described
take("<u4", 1)
bias, weights, material = take("<i2", 1024), take("<i2", 22528, 1024), take("<i4", 22528, 8)
stacks = []
for _ in range(8):
    take("<u4", 1)
    stacks.append([take("<i4", 16), take("i1", 16, 1024), take("<i4", 32), take("i1", 32, 32),
                   take("<i4", 1), take("i1", 32)])


def squares_of(fen):
    """square -> letter"""
    board = {}
    for rank, row in enumerate(fen.split()[0].split("/")):
        file = 0
        for letter in row:
            if letter.isdigit():
                file += int(letter)
            else:
                board[8 * (7 - rank) + file] = letter
                file += 1
    return board


def features(board, black):
    seen = {square ^ (56 if black else 0): (letter.swapcase() if black else letter) for square, letter in board.items()}
    king = next(square for square, letter in seen.items() if letter == "K")
    if king % 8 < 4:
        seen = {square ^ 7: letter for square, letter in seen.items()}
        king ^= 7
    bucket = 4 * (7 - king // 8) + 7 - king % 8
    return [704 * bucket + 64 * "PpNnBbRrQqK".index(letter.replace("k", "K")) + square
            for square, letter in seen.items()]


def evaluation(fen):
    """Material and positional parts of the eight networks, in the engine's unit."""
    board, mover = squares_of(fen), fen.split()[1] == "b"
    on = [features(board, mover), features(board, not mover)]
    accumulators = [bias.astype(int) + weights[f].astype(int).sum(0) for f in on]
    clipped = [np.clip(a, 0, 127) for a in accumulators]
    inputs = np.concatenate([c[:512] * c[512:] // 128 for c in clipped])
    parts = []
    for b0, w0, b1, w1, b2, w2 in stacks:
        first = b0 + w0.astype(int) @ inputs
        second = np.zeros(32, int)
        second[:15] = np.minimum(127, first[:15] ** 2 >> 19)
        second[15:30] = np.clip(first[:15] >> 6, 0, 127)
        hidden = np.clip(b1 + w1.astype(int) @ second >> 6, 0, 127)
        parts.append((int(b2[0] + w2.astype(int) @ hidden) + int(first[15]) * 9600 // 8128) / 16)
    difference = (material[on[0]].astype(int).sum(0) - material[on[1]].astype(int).sum(0)) / 2 / 16
    return difference, np.array(parts), accumulators if not mover else accumulators[::-1]


games = [line.split() for line in open(games_path)]
compared = 0
for line in sys.stdin:
    game, moves, *sums = (int(word) for word in line.split())
    answer = subprocess.run([engine_path], input="position startpos moves " + " ".join(games[game][:moves]) +
                            "\nd\neval\nquit\n", capture_output=True, text=True, check=True).stdout
    fen = re.search("Fen: (.*)", answer).group(1)
    difference, parts, accumulators = evaluation(fen)
    assert np.array_equal(np.concatenate(accumulators), sums), f"game {game}, move {moves}: other sums"
    if "none (in check)" in answer:
        continue
    rows = re.findall(r"\|\s*\d\s+\|\s*([+-]?\s*[\d.]+)\s*\|\s*([+-]?\s*[\d.]+)\s*\|", answer)
    told = np.array([[float(number.replace(" ", "")) for number in row] for row in rows])
    if len(told) == 8:
        # For the side to move, in hundredths of a pawn (361 units) of numbers cut to integers.
        assert np.abs(told[:, 0] - difference / 361).max() < 0.011, f"{fen}: material"
        assert np.abs(told[:, 1] - parts / 361).max() < 0.011, f"{fen}: positional"
        compared += 1
assert compared >= 5, f"only {compared} positions compared with the engine"
print(f"{compared} positions agree with the engine")
