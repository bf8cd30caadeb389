"""A program of its own: prints those lines of its input whose text matches a pattern.

Started by `bot.checks.matching` with the pattern as its argument; a line of the input is a word
(its time), a space and the text. It imports nothing of Opsbell, so it starts in milliseconds.
"""

import re
import sys


def main() -> None:
    """Reads to the end of the input, a line at a time."""
    search = re.compile(sys.argv[1]).search
    for line in sys.stdin.buffer:
        _, _, text = line.decode().rstrip("\n").partition(" ")
        if search(text):
            sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
