"""Plain scripts of pg_dump's: whole or cut off, through a terminal, hostile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from bot.errors import Failed
from bot.restores import databases
from bot.restores.lexing import statements
from bot.restores.loading import Dump, load
from bot.restores.meter import LoadMeter
from bot.restores.plain import PlainScript, inspect
from bot.restores.server import Server
from tests.restores.bench import Heard, host_server
from tests.restores.world import dump_to, everything, url_of

COMPLETE = "--\n-- PostgreSQL database dump complete\n--\n"


async def into(server: Server, path: Path, name: str) -> None:
    await databases.create(server, name, like=server.place.name)
    await load(server, Dump(path), name, meter=LoadMeter(Heard()))


@pytest.mark.parametrize("form", [[], ["--inserts"], ["--column-inserts", "--rows-per-insert=50"]])
async def test_through_a_terminal_it_is_the_same(
    world: str, tmp_path: Path, form: list[str]
) -> None:
    """A terminal turns each LF into CR LF, also those in texts and functions; what was CR LF in
    the data is CR CR LF then, or stands escaped in the rows of COPY."""
    before = await asyncio.to_thread(everything, world)
    path = await asyncio.to_thread(dump_to, world, tmp_path / "backup_file.sql", *form)
    script = path.read_bytes()
    assert b"\r\n" in script
    async with host_server(world) as server:
        for name, content in (("plain", script), ("crlf", script.replace(b"\n", b"\r\n"))):
            path.write_bytes(content)
            assert inspect(path).crlf is (name == "crlf")
            await into(server, path, f"from_{name}")
            assert await asyncio.to_thread(everything, url_of(world, f"from_{name}")) == before
            await databases.drop(server, f"from_{name}")


async def test_what_is_cut_off_is_refused(world: str, tmp_path: Path) -> None:
    path = await asyncio.to_thread(dump_to, world, tmp_path / "backup_file.sql")
    script = path.read_bytes()
    for content in (script[: len(script) // 2], b"", script[: script.rindex(b"dump complete")]):
        path.write_bytes(content)
        async with host_server(world) as server:
            with pytest.raises(Failed, match="is cut off"):
                await into(server, path, "cut_off")
            await databases.drop(server, "cut_off")


async def test_rows_that_did_not_arrive_are_noticed(world: str, tmp_path: Path) -> None:
    path = await asyncio.to_thread(dump_to, world, tmp_path / "backup_file.sql")
    trigger = "create trigger t before insert on public.sessions for each row"
    function = (
        "create function public.f() returns trigger language plpgsql as 'begin return null; end';"
    )
    copy = "COPY public.sessions (id) FROM stdin;"
    text = path.read_text()
    assert copy in text
    path.write_text(
        text.replace(copy, f"{function}\n{trigger} execute function public.f();\n{copy}")
    )
    async with host_server(world) as server:
        with pytest.raises(Failed, match=r"public.sessions: 0 instead of 2"):
            await into(server, path, "fewer_rows")
        await databases.drop(server, "fewer_rows")


HOSTILE = {
    "a program": "\\! touch {}",
    "a program after a statement": "select 1; \\! touch {}",
    "a program in a statement": "select 1 \\! touch {}\n;",
    "a program that fills a variable": "\\set x `touch {}`",
    "a file that is written": "\\copy (select 1) to '{}'",
    "a pipe": "\\o | touch {}",
    "a program after a comment": "/* ' */ \\! touch {}",
    "a program after a text": "select 'a\\' \\! touch {}",
    "a program after a quote in dollars": "select $a$ ' $a$ \\! touch {}",
    "a program after an identifier with dollars": "select a$b$ from c \\! touch {} -- $b$",
    "another database": "\\connect postgres",
    "an included file": "\\i /etc/passwd",
    "a program of the server": "copy t from program 'touch {}';",
    "a file of the server": "COPY (select 1) TO '{}';",
    "the live database": "drop database postgres;",
    "the live database after a comment": "/* x */ DROP\n DATABASE postgres;",
    "the server's settings": "alter system set fsync = off;",
    "the live database after a line's comment": "drop -- x\ndatabase postgres;",
    "roles": "alter role postgres password 'x';",
    "an end of guard in the middle": "\\unrestrict x y\n\\! touch {}",
    "rows that do not end": "COPY t (a) FROM stdin;\nx",
    "a text that does not end": "select 'a",
    "more after COPY": "COPY t (a) FROM stdin; select 1;\n\\.\n",
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_hostile_scripts_are_refused(database_url: str, tmp_path: Path, what: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / "hostile.sql"
    script = f"create table t (a text);\n{HOSTILE[what].replace('{}', str(mark))}\n{COMPLETE}"
    path.write_text(script)
    async with host_server(database_url) as server:
        with pytest.raises(Failed, match="dump"):
            await into(server, path, "hostile")
        await databases.drop(server, "hostile")
    assert not mark.exists()


def test_what_looks_hostile_and_is_not(tmp_path: Path) -> None:
    path = tmp_path / "odd.sql"
    script = (
        "\\restrict aB3\n"
        "SET transaction_timeout = 0;\n"
        "create function f() returns text language sql as $_$ select '\\! rm' $_$;\n"
        "select E'a\\'; \\\\! b', '\\', \"a\\b\", $x$\\$x$ /* /* \\! */ \\! */; -- \\! '\n"
        'COPY public."we""ird" ("from", b) FROM stdin;\n'
        "\\\\! touch\t1\n\\N\t\\\\.\n\\.\n"
        "COPY empty FROM stdin;\n\\.\n"
        "create user mapping for public server s;\n"
        "\\unrestrict aB3\n" + COMPLETE
    )
    path.write_text(script)
    plain = PlainScript(path, crlf=False, unknown=frozenset({b"transaction_timeout"}))
    made = b"".join(plain.pieces()).decode()
    expected = script.replace("\\restrict aB3", "").replace("\\unrestrict aB3", "")
    assert made == expected.replace("SET transaction_timeout = 0;", "")
    assert plain.rows == {'public."we""ird"': 2, "empty": 0}


def test_pieces_of_any_size_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "odd.sql"
    script = "COPY t (a) FROM stdin;\nx\r\r\ny\n\\.\nselect 'a\nb';\n".replace("\n", "\r\n")
    path.write_bytes(script.encode() + COMPLETE.encode().replace(b"\n", b"\r\n"))
    for size in range(1, 12):
        monkeypatch.setattr("bot.restores.plain.READ_SIZE", size)
        plain = PlainScript(path, crlf=inspect(path).crlf)
        made = b"".join(plain.pieces()).decode()
        assert made == script.replace("\r\n", "\n") + COMPLETE
        assert plain.rows == {"t": 2}


def test_statements_of_a_small_script() -> None:
    script = (
        b"--\n-- Roles; '\n\\restrict x\nCREATE ROLE \"a;\n--b\";\nALTER ROLE x SET y TO ';';\n"
    )
    assert statements(script) == ['CREATE ROLE "a;\n--b";', "ALTER ROLE x SET y TO ';';"]


async def test_without_any_table(database_url: str, tmp_path: Path) -> None:
    path = await asyncio.to_thread(dump_to, database_url, tmp_path / "backup_file.sql")
    async with host_server(database_url) as server:
        await into(server, path, "as_empty")
        with psycopg.connect(url_of(database_url, "as_empty")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        await databases.drop(server, "as_empty")
