#!/usr/bin/python3
"""Writes the games from which the positions of the chess claims are taken.

    self-play.py GAMES > self-play.txt

A game a line, its moves as from and to square ("e2e4", "a7a8q").  Eight random legal moves, then
Debian's stockfish plays both sides with 400 nodes a move.  One thread, a fresh hash for each game and
a seeded choice of the random moves: the same version of the engine plays the same games again.
"""
import random
import subprocess
import sys

ENGINE = "/usr/games/stockfish"
RANDOM_MOVES, MOST_MOVES, NODES = 8, 160, 400

engine = subprocess.Popen([ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(command, last):
    """Sends a command; the lines of the answer up to one that begins with `last`."""
    engine.stdin.write(command + "\n")
    engine.stdin.flush()
    lines = []
    while not lines or not lines[-1].startswith(last):
        lines.append(engine.stdout.readline().rstrip("\n"))
    return lines


def play(choice):
    """One game as a list of moves."""
    ask("ucinewgame\nisready", "readyok")
    moves = []
    while len(moves) < MOST_MOVES:
        engine.stdin.write("position startpos" + (" moves " + " ".join(moves) if moves else "") + "\n")
        if len(moves) < RANDOM_MOVES:
            legal = [line.split(":")[0] for line in ask("go perft 1", "Nodes searched") if ": " in line]
            legal = sorted(move for move in legal if move[0] in "abcdefgh")
            if not legal:
                return moves
            moves.append(choice.choice(legal))
        else:
            move = ask(f"go nodes {NODES}", "bestmove")[-1].split()[1]
            if move == "(none)":  # mate or stalemate
                return moves
            moves.append(move)
    return moves


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    ask("setoption name Threads value 1\nsetoption name Hash value 1\nisready", "readyok")
    for game in range(int(sys.argv[1])):
        print(" ".join(play(random.Random(game))))
    engine.stdin.write("quit\n")
    engine.stdin.flush()
