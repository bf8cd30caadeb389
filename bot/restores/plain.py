"""A plain script of pg_dump's, as `pg_dump … > backup_file.sql` leaves it, into a database.

It may be anything: cut off, hostile, or written through a terminal, which turns every line end
into CR LF (`docker-compose exec` without -T). It is read by rules of its own before psql sees it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.backups.processes import failure
from bot.backups.snapshot import psql
from bot.backups.threads import in_thread
from bot.errors import Failed, Unavailable
from bot.restores.lexing import Lexer
from bot.restores.meter import LoadMeter
from bot.restores.server import Server

READ_SIZE = 1 << 20
LONGEST_LINE = 24 << 20
_TAIL = 4096
_COMPLETE = b"PostgreSQL database dump complete"
_END_OF_DATA = b"\\.\n"
_FAST = "-c synchronous_commit=off -c maintenance_work_mem=256MB"

# Newer versions of pg_dump guard their scripts with these two; older ones of psql know neither.
_GUARD = re.compile(rb"\\(un)?restrict [A-Za-z0-9]+\n")
_SET = re.compile(rb"SET (\w+) = [^;]*;\n")
_OLD_STRINGS = re.compile(rb"SET standard_conforming_strings = off;\n")
_COPY = re.compile(rb"COPY (?P<table>.+?) (?:\(.*\) )?FROM stdin;", re.DOTALL)
_TABLE = re.compile(rb'((?:"(?:[^"]|"")*"|[^\s".(]+)(?:\.(?:"(?:[^"]|"")*"|[^\s".(]+))?)')
_ELSEWHERE = re.compile(
    rb"\s*(?:(?:create|alter|drop)\s+(?:database|tablespace|system|role|group|user(?!\s+mapping))\b"
    rb"|copy\b|reassign\b)",
    re.IGNORECASE,
)

# What pg_dump sets in a session's beginning, and not every server has.
_NEWER_OR_OLDER = (
    *("transaction_timeout", "default_with_oids", "default_table_access_method", "row_security"),
    *("idle_in_transaction_session_timeout", "lock_timeout", "xmloption"),
)


@dataclass(frozen=True)
class PlainFacts:
    """What a look through a script tells. `crlf`: every line end of it is CR LF."""

    crlf: bool


def inspect(path: Path) -> PlainFacts:
    """Reads a script through once. Blocking. Raises Failed where it is no whole dump.

    A terminal changes every line end, so one that is LF alone shows that none was changed: CR LF
    elsewhere in the script is the application's own data then, and stays.
    """
    ends = pairs = 0
    before, tail = b"", b""
    with path.open("rb") as file:
        while data := file.read(READ_SIZE):
            if not tail and data.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Failed(f"{path.name} is in UTF-16.", hint="Convert it to UTF-8 first: iconv.")
            ends += data.count(b"\n")
            pairs += data.count(b"\r\n") + (before == b"\r" and data.startswith(b"\n"))
            before, tail = data[-1:], (tail + data)[-_TAIL:]
    if _COMPLETE not in tail:
        raise Failed(
            f"{path.name} is cut off: pg_dump's last line is missing.",
            hint="Only a whole dump of one database can be restored.",
        )
    return PlainFacts(crlf=ends == pairs)


async def load_plain(
    server: Server, path: Path, database: str, meter: LoadMeter
) -> Mapping[str, int]:
    """Runs a script in a database, the first error ends it; the rows that it gave to each table by
    COPY. Raises Failed, also for what leads out of the one database."""
    facts = await in_thread(inspect, path)
    unknown = await _unknown_settings(server)
    script = PlainScript(path, crlf=facts.crlf, unknown=unknown)
    pieces = script.pieces()
    async with server.target.process(
        psql(server.target, "--file=-", "--output=/dev/null"),
        service=server.service,
        environment=server.environment(database, _FAST),
        stdin=True,
    ) as process:
        try:
            while piece := await in_thread(next, pieces, b""):
                await process.write(piece)
                await meter.show(script.read)
            await process.end_input()
        except Unavailable:
            await meter.say("psql has ended")
        if status := await process.wait():
            raise failure(server.target, "psql", status, process.error_tail)
    return script.rows


async def _unknown_settings(server: Server) -> frozenset[bytes]:
    rows = await server.rows(
        "Asking which settings the server has",
        "select name from unnest(string_to_array(:'names', ' ')) as asked (name)"
        " where current_setting(name, true) is null",
        names=" ".join(_NEWER_OR_OLDER),
    )
    return frozenset(str(row["name"]).encode() for row in rows)


class PlainScript:
    """A script as psql may have it: `read` bytes of the file so far, `rows` by table."""

    def __init__(self, path: Path, *, crlf: bool, unknown: frozenset[bytes] = frozenset()) -> None:
        self.rows: Counter[str] = Counter()
        self.read = 0
        self._path = path
        self._crlf = crlf
        self._unknown = unknown
        self._lexer = Lexer()
        self._table: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """The script in pieces of about a MiB. Blocking. Raises Failed."""
        rest = b""
        for data in self._normal():
            buffer = rest + data
            whole = buffer.rfind(b"\n") + 1
            rest = buffer[whole:]
            if len(rest) > LONGEST_LINE:
                raise Failed("The dump holds a line that is too long to be looked through.")
            if piece := self._judged(buffer[:whole]):
                yield piece
        if rest.strip() or self._table is not None or not self._lexer.between:
            raise Failed("The dump ends in the middle of a statement or of a table's rows.")

    def _normal(self) -> Iterator[bytes]:
        """The file with line ends as pg_dump wrote them."""
        held = b""
        with self._path.open("rb") as file:
            while data := file.read(READ_SIZE):
                first, self.read = self.read == 0, self.read + len(data)
                data = held + (data.removeprefix(b"\xef\xbb\xbf") if first else data)
                held = b""
                if self._crlf:
                    if data.endswith(b"\r"):
                        data, held = data[:-1], b"\r"
                    data = data.replace(b"\r\n", b"\n")
                yield data
        if held:
            yield held

    def _judged(self, lines: bytes) -> bytes:
        """Whole lines: rows of a table pass, statements are looked at."""
        made: list[bytes] = []
        at = 0
        while at < len(lines):
            if self._table is not None:
                end = self._rows_end(lines, at)
                made.append(lines[at:end])
            else:
                end = lines.index(b"\n", at) + 1
                made.append(self._sql(lines[at:end]))
            at = end
        return b"".join(made)

    def _rows_end(self, lines: bytes, at: int) -> int:
        """Behind the rows of the open table, and behind the mark that ends them if it is there."""
        table = str(self._table)
        if lines.startswith(_END_OF_DATA, at):
            rows_end, ended = at, True
        else:
            mark = lines.find(b"\n" + _END_OF_DATA, at)
            rows_end, ended = (mark + 1, True) if mark >= 0 else (len(lines), False)
        rows = lines.count(b"\n", at, rows_end)
        self.rows[table] += rows
        self._lexer.line += rows + ended
        if not ended:
            return rows_end
        self._table = None
        return rows_end + len(_END_OF_DATA)

    def _sql(self, line: bytes) -> bytes:
        if self._lexer.between:
            setting = _SET.fullmatch(line)
            if _GUARD.fullmatch(line) or (setting and setting[1] in self._unknown):
                self._lexer.line += 1
                return b"\n"
            if _OLD_STRINGS.fullmatch(line):
                self._lexer.backslashes = True
        for statement in self._lexer.ends(line):
            self._judge(statement.text, line[statement.end :])
        return line

    def _judge(self, statement: bytes, after: bytes) -> None:
        copy = _COPY.fullmatch(statement.strip())
        if copy:
            if after.strip():
                raise Failed(f"Line {self._lexer.line} of the dump goes on after COPY.")
            table = _TABLE.match(copy["table"])
            self._table = (table[1] if table else copy["table"]).decode(errors="replace")
            self.rows[self._table] += 0
        elif _ELSEWHERE.match(statement):
            words = b" ".join(statement.split()[:3]).decode(errors="replace")
            raise Failed(
                f"Line {self._lexer.line} of the dump changes more than its database: {words[:60]}",
                hint="Only a dump of one database made without --create can be restored.",
            )
