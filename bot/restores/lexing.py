"""Where statements end in a script for psql, and what psql would take for commands of its own.

The rules are those of psql's own scanner: quotes, dollar quotes, comments that nest, `E''` strings
with backslashes. A backslash anywhere else begins a command of psql, such as one that runs a
program on the server's machine.
"""

from __future__ import annotations

import re

from bot.errors import Failed

_IDENTIFIER = rb"A-Za-z0-9_$\x80-\xff"
_NORMAL = re.compile(
    rb"'|\"|--|/\*|\\|;|(?<!["
    + _IDENTIFIER
    + rb"])\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$"
)
_ESCAPES = re.compile(rb"(?<![" + _IDENTIFIER + rb"])[eE]$")
_ESCAPED = re.compile(rb"\\.|'", re.DOTALL)
_BLOCK = re.compile(rb"/\*|\*/")


class Lexer:
    """Reads a script line by line, each with its line end.

    Old servers may have strings in which a backslash means something: `backslashes` says so.
    """

    def __init__(self) -> None:
        self.line = 0
        self.backslashes = False
        self._inside: bytes = b""  # what ends the quote, or "/*", or "E'"
        self._depth = 0
        self._begun = False

    @property
    def between(self) -> bool:
        """Whether no statement, comment or quote is open."""
        return not self._inside and not self._begun

    def ends(self, line: bytes) -> list[int]:
        """The places in the line behind a statement's semicolon. Raises Failed for a command."""
        self.line += 1
        found: list[int] = []
        at = 0
        while at < len(line):
            at = self._inner(line, at) if self._inside else self._outer(line, at, found)
        return found

    def _outer(self, line: bytes, at: int, found: list[int]) -> int:
        match = _NORMAL.search(line, at)
        text = line[at : match.start() if match else len(line)]
        self._begun = self._begun or bool(text.strip())
        if match is None:
            return len(line)
        token = match[0]
        if token == b"\\":
            word = line[match.start() :].split()[0].decode(errors="replace")
            raise Failed(
                f"Line {self.line} of the dump holds a command for psql, {word[:20]}.",
                hint="pg_dump writes none into a dump of one database without --create.",
            )
        if token == b"--":
            return len(line)
        if token == b";":
            self._begun = False
            found.append(match.end())
        elif token == b"/*":
            self._inside, self._depth = token, 1
        else:
            escaped = token == b"'" and (self.backslashes or _ESCAPES.search(text))
            self._inside, self._begun = b"E'" if escaped else token, True
        return match.end()

    def _inner(self, line: bytes, at: int) -> int:
        """Inside a quote or comment; a doubled quote closes it and opens it again."""
        if self._inside == b"E'":
            return self._escaped(line, at)
        if self._inside == b"/*":
            return self._comment(line, at)
        end = line.find(self._inside, at)
        if end < 0:
            return len(line)
        end += len(self._inside)
        self._inside = b""
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
    """The statements of a small script, comments before them left out. Raises Failed like Lexer."""
    lexer, found, kept = Lexer(), [], b""
    for line in script.splitlines(keepends=True):
        if lexer.between and line.lstrip().startswith((b"--", b"\\restrict ", b"\\unrestrict ")):
            continue
        start = 0
        for end in lexer.ends(line):
            found.append((kept + line[start:end]).decode(errors="replace").strip())
            kept, start = b"", end
        kept += line[start:]
    return found
