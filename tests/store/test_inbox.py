"""The inbox on the real PostgreSQL: taken means committed, not taken means never."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.inbox import Inbox, NotTaken, Unfit
from bot.store.inbox_line import JOB, LANE, Entry
from bot.store.queue import Queue
from tests.parts.postgres import PostgresServer
from tests.parts.tcp_proxy import TcpProxy
from tests.store.patience import PATIENCE, impatient


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(str(postgres.socket_directory), 5432) as opened:
        yield opened


@pytest.fixture
def far(database: Database, proxy: TcpProxy) -> str:
    """The database's URL, by way of the proxy."""
    name = database.url.partition("@/")[2].partition("?")[0]
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"


@contextlib.asynccontextmanager
async def running(inbox: Inbox) -> AsyncIterator[Inbox]:
    task = asyncio.create_task(inbox.run())
    try:
        yield inbox
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def inbox(database: Database, queue: Queue, far: str) -> AsyncIterator[Inbox]:
    async with running(Inbox(Database(far, EventLog(b"")), limit=PATIENCE)) as opened:
        yield opened


async def jobs(database: Database) -> list[dict[str, object]]:
    return await database.all("select * from procrastinate_jobs order by id")


async def test_taken_is_one_row_and_one_job(database: Database, inbox: Inbox) -> None:
    await inbox.take(Entry("a", {"request": {"text": "now"}}, lock="message:1", twin="t"))
    [job] = await jobs(database)
    assert (job["task_name"], job["queue_name"], job["lock"]) == (JOB, LANE.value, "message:1")
    assert job["args"] == {"request": {"text": "now"}}
    row = await database.one("select * from inbox")
    assert (row["key"], row["twin"], row["done_at"]) == ("a", "t", None)


async def test_taken_twice_is_one_job(database: Database, inbox: Inbox) -> None:
    await asyncio.gather(inbox.take(Entry("a")), inbox.take(Entry("a")))
    await inbox.take(Entry("a"))
    assert len(await jobs(database)) == 1


async def test_a_burst_shares_commits_and_keeps_its_order(database: Database, inbox: Inbox) -> None:
    await inbox.take(Entry("first"))
    before = await _transactions(database)
    await asyncio.gather(*(inbox.take(Entry(f"{n:03}", {"n": n}, lock="l")) for n in range(300)))
    assert await _transactions(database) - before < 30
    assert [job["args"] for job in (await jobs(database))[1:]] == [{"n": n} for n in range(300)]


async def _transactions(database: Database) -> int:
    """Transactions that wrote, so far: an ID is given to no other kind."""
    row = await database.one("select pg_current_xact_id()::text::bigint as id")
    return int(row["id"])


async def test_with_postgresql_refusing_nothing_is_taken(
    database: Database, inbox: Inbox, proxy: TcpProxy
) -> None:
    proxy.refuse()
    with impatient(inbox), pytest.raises(NotTaken, match="Nothing was taken"):
        await inbox.take(Entry("a"))
    proxy.resume()
    await inbox.take(Entry("a"))
    await inbox.take(Entry("b"))
    assert len(await jobs(database)) == 2


async def test_after_a_lost_connection_the_next_is_taken(
    database: Database, inbox: Inbox, proxy: TcpProxy
) -> None:
    await inbox.take(Entry("a"))
    proxy.cut()
    await inbox.take(Entry("b"))
    assert len(await jobs(database)) == 2


async def test_a_connection_lost_in_the_middle_is_made_good(
    database: Database, inbox: Inbox, proxy: TcpProxy
) -> None:
    await inbox.take(Entry("a"))
    proxy.hold()
    taking = asyncio.create_task(inbox.take(Entry("b")))
    await asyncio.sleep(0.1)
    proxy.cut()
    proxy.resume()
    await taking
    assert [row["key"] for row in await database.all("select key from inbox order by 1")] == [
        "a",
        "b",
    ]
    assert len(await jobs(database)) == 2


async def test_what_arrives_after_its_time_is_passed_over(
    database: Database, inbox: Inbox, proxy: TcpProxy
) -> None:
    """A network that holds the statement back and delivers it when the person was told "no"."""
    await inbox.take(Entry("a"))
    proxy.hold()
    with impatient(inbox), pytest.raises(NotTaken):
        await inbox.take(Entry("b"))
    proxy.resume()
    await inbox.take(Entry("c"))
    # The held statement was delivered before this one, or never will be.
    await asyncio.sleep(0.3)
    assert [row["key"] for row in await database.all("select key from inbox order by 1")] == [
        "a",
        "c",
    ]


async def test_while_postgresql_hangs_every_request_is_answered_in_time(
    database: Database, inbox: Inbox, proxy: TcpProxy
) -> None:
    """Its own time: it waits for none that were sent before it and have more."""
    await inbox.take(Entry("a"))
    proxy.hold()
    sent = [asyncio.create_task(inbox.take(Entry(f"sent {n}"))) for n in range(5)]
    await asyncio.sleep(0.1)
    with impatient(inbox):
        behind = [inbox.take(Entry(f"behind {n}")) for n in range(5)]
        answers = await asyncio.gather(*behind, return_exceptions=True)
    assert [type(each) for each in answers] == [NotTaken] * 5
    assert not any(task.done() for task in sent)
    proxy.resume()
    await asyncio.gather(*sent)
    await inbox.take(Entry("c"))
    assert len(await jobs(database)) == 7


async def test_a_slow_commit_whose_answer_comes_too_late_is_never_acted_on(
    database: Database, queue: Queue
) -> None:
    """The row is written, the commit waits on a lock, the person is told "no", it commits."""
    async with running(Inbox(database, limit=PATIENCE)) as inbox:
        await inbox.take(Entry("a"))
        async with database.transaction() as tx:
            await tx.execute("lock table procrastinate_jobs in exclusive mode")
            with impatient(inbox), pytest.raises(NotTaken):
                await inbox.take(Entry("b"))
        await inbox.take(Entry("c"))
        async with database.transaction() as tx:
            assert await inbox.claim(tx, Entry("c"))
        async with database.transaction() as tx:
            assert not await inbox.claim(tx, Entry("b"))
        # Asked for again, it is taken as new.
        await inbox.take(Entry("b"))
        async with database.transaction() as tx:
            assert await inbox.claim(tx, Entry("b"))


async def test_a_job_that_starts_before_the_answer_settles_it(
    database: Database, queue: Queue, inbox: Inbox, proxy: TcpProxy
) -> None:
    """The answer to the commit is lost, but a worker of this process has the job in its hands."""
    await inbox.take(Entry("a"))
    await database.execute("insert into inbox (key, twin) values ('b', '')")
    proxy.hold()
    taking = asyncio.create_task(inbox.take(Entry("b")))
    await asyncio.sleep(0.1)
    async with database.transaction() as tx:
        assert await inbox.claim(tx, Entry("b"))
    await taking
    proxy.cut()  # the answer never comes


async def test_an_entry_is_claimed_once(database: Database, inbox: Inbox) -> None:
    await inbox.take(Entry("a"))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            assert await inbox.claim(tx, Entry("a"))
            raise ZeroDivisionError
    async with database.transaction() as tx:
        assert await inbox.claim(tx, Entry("a"))
    async with database.transaction() as tx:
        assert not await inbox.claim(tx, Entry("a"))


async def test_what_postgresql_cannot_keep_is_refused_alone(
    database: Database, inbox: Inbox
) -> None:
    good = [Entry(f"good {n}", {"n": n}) for n in range(10)]
    bad = [Entry("nul", {"text": "\x00"}), Entry("half", {"text": "\ud800"}), Entry("key \ud800")]
    outcomes = await asyncio.gather(
        *map(inbox.take, [*good[:5], *bad, *good[5:]]), return_exceptions=True
    )
    assert outcomes[:5] == outcomes[8:] == [None] * 5
    assert [type(each) for each in outcomes[5:8]] == [Unfit] * 3
    assert len(await jobs(database)) == 10
    await inbox.take(Entry("later"))


async def claim(database: Database, inbox: Inbox, entry: Entry) -> bool:
    async with database.transaction() as tx:
        return await inbox.claim(tx, entry)


async def test_of_two_clicks_at_one_moment_one_counts(database: Database, inbox: Inbox) -> None:
    first, second = Entry("a", twin="t"), Entry("b", twin="t")
    await asyncio.gather(inbox.take(first), inbox.take(second))
    await database.execute("update inbox set received_at = now()")
    assert await claim(database, inbox, first)
    assert not await claim(database, inbox, second)


async def test_of_two_clicks_done_in_the_wrong_order_one_counts(
    database: Database, inbox: Inbox
) -> None:
    first, second = Entry("a", twin="t"), Entry("b", twin="t")
    await inbox.take(first)
    await inbox.take(second)
    assert await claim(database, inbox, second)
    assert not await claim(database, inbox, first)


async def test_what_was_done_long_ago_is_forgotten(database: Database, inbox: Inbox) -> None:
    for key in ("done", "open", "new"):
        await inbox.take(Entry(key))
    async with database.transaction() as tx:
        await inbox.claim(tx, Entry("done"))
        await inbox.claim(tx, Entry("new"))
    await database.execute(
        "update inbox set received_at = now() - interval '4 days' where key <> 'new'"
    )
    direct = Inbox(database)
    assert await direct.forget_old() == 1
    assert {row["key"] for row in await database.all("select key from inbox")} == {"open", "new"}
