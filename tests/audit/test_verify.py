"""The log proven whole, its end too: edits, holes, and rows cut off are noticed."""

import asyncio
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.audit import head as head_module
from bot.audit.head import FILE, Head, HeadKeeper, read_head, write_head
from bot.audit.service import Audit
from bot.audit.view import verdict, verdict_data
from bot.errors import OpsbellError
from bot.store.database import Database
from bot.store.events import Event


async def write(database: Database, *actions: str) -> None:
    for action in actions:
        async with database.transaction() as tx:
            tx.record(Event("slack:U1", action, target="grandvps", detail={"n": 1}))


@pytest.fixture
def keeper(database: Database, tmp_path: Path) -> HeadKeeper:
    return HeadKeeper(database, tmp_path / FILE)


@pytest.fixture
def audit(database: Database, tmp_path: Path) -> Audit:
    return Audit(database, tmp_path)


async def test_an_empty_log_is_whole(audit: Audit) -> None:
    found = await audit.verify()
    assert (found.whole, found.rows, found.since) == (True, 0, None)


async def test_an_untouched_log_is_whole_and_says_since_when(
    database: Database, audit: Audit, keeper: HeadKeeper
) -> None:
    began = datetime.now(UTC)
    await write(database, "one", "two", "three")
    first = await audit.verify()
    assert (first.whole, first.rows, first.guarded) == (True, 3, False)
    assert "is not known" in verdict(first)
    assert verdict_data(first)["guarded"] is False
    await write(database, *map(str, range(3000, 3010)))
    await keeper.keep()
    found = await audit.verify()
    assert (found.whole, found.rows, found.guarded) == (True, 13, True)
    assert found.since
    assert began.date() <= found.since.date() <= datetime.now(UTC).date()
    assert verdict(found).startswith("✅ The event log is whole: 13 events since 20")


@pytest.mark.parametrize(
    ("tampering", "broken_at", "rows"),
    [
        ("update events set outcome = 'refused' where id = 2", 2, 1),
        ("update events set actor = 'slack:U2' where id = 1", 1, 0),
        ("delete from events where id = 2", 3, 1),
        ("delete from events where id = 1", 2, 0),
        ("update events set mac = '\\x00' where id = 3", 3, 2),
        ("update events set id = 7 where id = 4", 7, 3),
    ],
)
async def test_the_first_row_that_does_not_fit_is_named(
    database: Database, audit: Audit, keeper: HeadKeeper, tampering: str, broken_at: int, rows: int
) -> None:
    await write(database, "one", "two", "three", "four")
    await keeper.keep()
    async with database.transaction() as tx:
        await tx.connection.execute(tampering.encode())
    found = await audit.verify()
    assert (found.whole, found.broken_at, found.rows) == (False, broken_at, rows)
    assert f"broken at event {broken_at}" in verdict(found)


async def test_rows_cut_off_at_the_end_are_noticed_and_stay_so(
    database: Database, audit: Audit, keeper: HeadKeeper, tmp_path: Path
) -> None:
    await write(database, "one", "two", "three")
    await keeper.keep()
    known = read_head(tmp_path / FILE)
    await database.execute("delete from events where id > 1")
    for _ in range(2):
        found = await audit.verify()
        assert found.broken_at is None
        assert found.cut == known
        assert "event 3 of" in verdict(found)
        # What is written afterwards takes the numbers of what is gone, and hides nothing.
        await write(database, "four", "five")
        await keeper.keep()
    assert read_head(tmp_path / FILE) == known


async def test_an_older_head_never_takes_the_place_of_a_newer_one(
    database: Database, keeper: HeadKeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(path: Path, head: Head) -> None:
        if head.id == 1:
            begun.set()
            assert go.wait(30)
        write_head(path, head)

    monkeypatch.setattr(head_module, "write_head", slow)
    await write(database, "one")
    first = asyncio.create_task(keeper.keep())
    await asyncio.to_thread(begun.wait, 30)
    await write(database, "two")
    second = asyncio.create_task(HeadKeeper(database, tmp_path / FILE).keep())
    waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    while not second.done() and not await database.first(waiting):
        await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(first, second)
    known = read_head(tmp_path / FILE)
    assert known
    assert known.id == 2


async def test_where_it_cannot_be_kept_at_the_end_the_work_is_done_all_the_same(
    database: Database, keeper: HeadKeeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(database, "one")
    async with keeper.at_the_end():
        await write(database, "two")
    known = read_head(tmp_path / FILE)
    assert known
    assert known.id == 2
    (tmp_path / FILE).write_text("{")
    async with keeper.at_the_end():
        pass
    assert "audit head not kept" in caplog.text


async def test_a_log_that_was_emptied_is_noticed(
    database: Database, audit: Audit, keeper: HeadKeeper
) -> None:
    await write(database, "one")
    await keeper.keep()
    await database.execute("delete from events")
    assert (await audit.verify()).cut is not None


async def test_what_is_written_while_it_is_verified_is_no_cut(
    database: Database, audit: Audit, keeper: HeadKeeper
) -> None:
    await write(database, *map(str, range(50)))

    async def going_on() -> None:
        for number in range(40):
            await write(database, f"more {number}")
            await keeper.keep()

    writing = asyncio.create_task(going_on())
    while not writing.done():
        assert (await audit.verify()).whole
    await writing


async def test_a_damaged_head_is_an_error_and_no_pass(
    database: Database, audit: Audit, keeper: HeadKeeper, tmp_path: Path
) -> None:
    await write(database, "one")
    await keeper.keep()
    path = tmp_path / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_text()
    for damaged in ("", "{", "[]", json.dumps({"id": 1}), whole.replace('"mac": "', '"mac": "x')):
        path.write_text(damaged)
        with pytest.raises(OpsbellError, match=r"audit\.head"):
            await audit.verify()
        with pytest.raises(OpsbellError):
            await keeper.keep()
    assert sorted(each.name for each in tmp_path.iterdir()) == [FILE]


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    head = Head(7, "ab" * 32, datetime.now(UTC))
    assert read_head(tmp_path / FILE) is None
    write_head(tmp_path / FILE, head)
    assert read_head(tmp_path / FILE) == head


@pytest.mark.needs("root")
def test_the_head_belongs_to_whoever_has_to_write_it_again(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    write_head(tmp_path / FILE, Head(1, "0" * 64, datetime.now(UTC)))
    found = (tmp_path / FILE).stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4711, 4712, 0o600)
