"""What must hold after any kill, once the next start has come to rest."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from psycopg.rows import DictRow

from bot.backups.catalogue import Catalogue
from bot.playground.message import Message
from bot.playground.visible import visible_texts
from bot.store.events import EventLog, load_key
from bot.store.locks import lock_number
from tests.crash.nursery import until
from tests.crash.stage import LIMIT, Stage


async def check_all(stage: Stage) -> None:
    """Raises AssertionError with the first promise that is broken."""
    await posts_stand_once(stage)
    await files_stand_once(stage)
    await nothing_is_stuck(stage)
    await operations_are_truthful(stage)
    await nothing_is_left_running(stage)
    await log_is_whole(stage)


async def posts_stand_once(stage: Stage) -> None:
    """Every post stands once and says what it should; nothing else stands."""
    shown = _shown(stage)
    counted = Counter(key for key, _ in shown)
    assert all(times == 1 for times in counted.values()), f"posted twice: {counted}"
    rows = await stage.all("select key, state, ts, message from posts")
    wanted = {row["key"] for row in rows}
    assert wanted == counted.keys(), f"wanted {wanted}, shown {counted.keys()}"
    messages = dict(shown)
    for row in rows:
        message, content = messages[row["key"]], row["message"]
        assert (row["state"], row["ts"]) == ("live", message.ts), row
        says = "\n".join(visible_texts(content.get("blocks") or [])) or content["text"]
        assert message.plain == says, f"{row['key']} says {message.plain!r}, wanted {says!r}"


def _shown(stage: Stage) -> list[tuple[str, Message]]:
    """Every message of the bot in channels that is no file's, with the key that it carries."""
    found = []
    for channel in stage.slack.workspace.channels.values():
        for message in channel.messages.values():
            # What Slack itself says of a topic that was set bears the name of who set it.
            is_post = message.bot_id and not message.files and not message.subtype
            if is_post and channel.kind != "im":
                assert message.metadata, f"a message without a key: {message.plain}"
                found.append((message.metadata["event_payload"]["key"], message))
    return found


async def files_stand_once(stage: Stage) -> None:
    """Every file of a post is in its thread once."""
    rows = await stage.all(
        "select key, name, post_files.state, posts.ts from post_files join posts using (key)"
    )
    assert all(row["state"] == "shared" for row in rows), rows
    wanted = Counter((row["ts"], row["name"]) for row in rows)
    # Slack shares a file some time after it said that it would.
    await until(lambda: _files(stage).total() >= wanted.total(), "a file does not appear")
    assert _files(stage) == wanted, f"wanted {wanted}, shown {_files(stage)}"


def _files(stage: Stage) -> Counter[tuple[str | None, str]]:
    """The files in channels, by thread and name, and how often each is there."""
    return Counter(
        (message.thread_ts, file["name"])
        for channel in stage.slack.workspace.channels.values()
        for message in channel.messages.values()
        for file in message.files
        if channel.kind != "im"
    )


async def nothing_is_stuck(stage: Stage) -> None:
    """No job runs or failed, no request waits, no target is locked."""
    await stage.quiet()
    jobs = "select * from procrastinate_jobs where status <> 'todo'"
    await _soon_none(stage, "a job runs or failed", jobs)
    await _soon_none(
        stage,
        "the target is still locked",
        "select pid from pg_locks join pg_database on pg_database.oid = database"
        " where datname = current_database() and locktype = 'advisory'"
        " and (classid::bigint << 32) | objid::bigint = %s",
        lock_number("target:grandvps"),
    )


async def operations_are_truthful(stage: Stage) -> None:
    """Operations have ended; what was published last is there, every set is whole, and nothing
    else is in the store."""
    catalogue = Catalogue(stage.directory / "backups" / "grandvps")
    names = {path.name for path in catalogue.directory.glob("*")}
    sets = catalogue.sets()
    assert names == {one.id for one in sets}, f"not only sets: {names}"
    for one in sets:
        assert one.good, one.trouble
        assert one.path
        for file in one.good.files:
            found = hashlib.sha256((one.path / file.path).read_bytes()).hexdigest()
            assert found == file.sha256, file.path
    published = await stage.all(
        "select result ->> 'set' as name from steps where result ? 'set' order by operation"
    )
    assert not published or published[-1]["name"] in names, (published, names)
    rows = await stage.all("select id, state, error from operations order by id")
    for row in rows:
        # A plan whose window was open when the program died is one that nobody confirmed.
        assert row["state"] in ("done", "interrupted", "undone", "planned"), row
        steps = await stage.all("select state from steps where operation = %s", row["id"])
        assert not {"running"} & {step["state"] for step in steps}, steps
        if row["state"] == "interrupted":
            assert "Opsbell was killed" in row["error"], row
            assert "could not be undone" not in row["error"], row


async def nothing_is_left_running(stage: Stage) -> None:
    """No tool of a dead operation still holds a session in the application's database."""
    await _soon_none(
        stage,
        "a tool still runs",
        "select application_name from pg_stat_activity"
        " where datname = %s and application_name similar to 'opsbell (backup|restore)%%'",
        stage.application,
    )


async def _soon_none(stage: Stage, what: str, query: str, *parameters: Any) -> None:
    """Returns once a query has no rows: sessions end a moment after their clients have left, and
    the clock may have begun something meanwhile."""
    rows = await stage.all(query, *parameters)
    try:
        async with asyncio.timeout(LIMIT):
            while rows:
                await asyncio.sleep(0.1)
                rows = await stage.all(query, *parameters)
    except TimeoutError:
        raise AssertionError(f"{what}: {rows}") from None


async def log_is_whole(stage: Stage) -> None:
    """The chain of events is unbroken."""
    rows = await stage.all("select * from events order by id")

    async def each() -> AsyncIterator[DictRow]:
        for row in rows:
            yield row

    log = EventLog(load_key(Path(stage.directory / "var" / "audit.key")))
    assert await log.broken_at(each()) is None


async def happened(stage: Stage, action: str, detail: str = "") -> int:
    """How often the log says that something happened, of a detail that contains the text."""
    rows = await stage.all(
        "select count(*) as times from events where action = %s and detail::text like %s",
        action,
        f"%{detail}%",
    )
    return int(rows[0]["times"])


async def kept(stage: Stage, name: str, times: int) -> None:
    """What was acknowledged happened once; what was not, once or not at all."""
    expected = (1,) if stage.acked.get(name) else (0, 1)
    assert times in expected, f"{name} (acked: {stage.acked.get(name)}) happened {times} times"
