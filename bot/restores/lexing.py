"""Where statements end in a script for psql, and what psql would take for commands of its own.

The rules are those of psql's own scanner: quotes, dollar quotes, comments that nest, `E''` strings
with backslashes. A backslash anywhere else begins a command of psql, such as one that runs a
program on the server's machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import Failed

_IDENTIFIER = rb"A-Za-z0-9_$\x80-\xff"
_NORMAL = re.compile(
    rb"'|\"|--|/\*|\\|;|(?<!["
    + _IDENTIFIER
    + rb"])\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$"
)
_ESCAPES = re.compile(rb"(?<![" + _IDENTIFIER + rb"])[eE]$")
_ESCAPED = re.compile(rb"\\.|'", re.DOTALL)
_BEGINNING = 1 << 18
_BLOCK = re.compile(rb"/\*|\*/")


@dataclass(frozen=True)
class Statement:
    """The beginning of a statement, comments left out; it ends before `end` in its last line."""

    text: bytes
    end: int


class Lexer:
    """Reads a script line by line, each with its line end.

    Old servers may have strings in which a backslash means something: `backslashes` says so.
    """

    def __init__(self) -> None:
        self.line = 0
        self.backslashes = False
        self._inside: bytes = b""  # what ends the quote, or "/*", or "E'"
        self._depth = 0
        self._text = bytearray()

    @property
    def between(self) -> bool:
        """Whether no statement, comment or quote is open."""
        return not self._inside and not self._text.strip()

    def ends(self, line: bytes) -> list[Statement]:
        """The statements that end in the line. Raises Failed for a command of psql's."""
        self.line += 1
        found: list[Statement] = []
        at = 0
        while at < len(line):
            at = self._inner(line, at) if self._inside else self._outer(line, at, found)
        return found

    def _outer(self, line: bytes, at: int, found: list[Statement]) -> int:
        match = _NORMAL.search(line, at)
        end = match.end() if match else len(line)
        token = match[0] if match else b""
        before = line[at : end - len(token)]
        self._keep(before)
        if token == b"\\":
            word = line[end - 1 :].split()[0].decode(errors="replace")
            raise Failed(
                f"Line {self.line} of the dump holds a command for psql, {word[:20]}.",
                hint="pg_dump writes none into a dump of one database without --create.",
            )
        if token == b"--":
            self._keep(b"\n")
            return len(line)
        if token == b"/*":
            self._keep(b" ")
            self._inside, self._depth = token, 1
            return end
        self._keep(token)
        if token == b";":
            found.append(Statement(bytes(self._text), end))
            self._text.clear()
        elif token:
            escaped = token == b"'" and (self.backslashes or _ESCAPES.search(before))
            self._inside = b"E'" if escaped else token
        return end

    def _keep(self, text: bytes) -> None:
        """Adds to the statement; of a long one only the beginning is kept."""
        if len(self._text) < _BEGINNING:
            self._text += text[:_BEGINNING]

    def _inner(self, line: bytes, at: int) -> int:
        """Inside a quote or comment; a doubled quote closes it and opens it again."""
        if self._inside == b"/*":
            return self._comment(line, at)
        if self._inside == b"E'":
            end = self._escaped(line, at)
        else:
            found = line.find(self._inside, at)
            end = found + len(self._inside) if found >= 0 else len(line)
            self._inside = b"" if found >= 0 else self._inside
        self._keep(line[at:end])
        return end

    def _escaped(self, line: bytes, at: int) -> int:
        for match in _ESCAPED.finditer(line, at):
            if match[0] == b"'":
                # Doubled, it stands for itself and the string goes on as it was.
                if line[match.end() : match.end() + 1] == b"'":
                    return match.end() + 1
                self._inside = b""
                return match.end()
        return len(line)

    def _comment(self, line: bytes, at: int) -> int:
        for match in _BLOCK.finditer(line, at):
            self._depth += 1 if match[0] == b"/*" else -1
            if self._depth == 0:
                self._inside = b""
                return match.end()
        return len(line)


def statements(script: bytes) -> list[str]:
    """The statements of a small script, without comments. Raises Failed like Lexer."""
    lexer, found = Lexer(), []
    for line in script.splitlines(keepends=True):
        if not (lexer.between and line.startswith((b"\\restrict ", b"\\unrestrict "))):
            found += [each.text.decode(errors="replace").strip() for each in lexer.ends(line)]
    return found
