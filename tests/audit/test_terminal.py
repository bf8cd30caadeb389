"""`opsbell audit` as people type it, and what it never shows."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.audit.head import read_head
from bot.audit_terminal import moment
from bot.errors import UsageError
from bot.store.database import Database
from bot.store.events import Event, EventLog, load_key
from bot.store.migrate import migrate
from tests.parts.house import (
    app_slack,
    running_opsbell,
    slack_environment,
    write_config,
)
from tests.parts.network import free_port
from tests.parts.process import opsbell

CANARY = "canary-4f1c9a7d"
_ADD = (
    "insert into events (id, at, actor, action, subject, target, outcome, detail, mac)"
    " select n, now(), '{actor}', 'command.taken', '', '', 'ok', '{{}}'::jsonb, ''"
)


STOLEN = {"holder": "slack:U0ALICE001", "why": "asked <@U0BOB00001>"}


def log(config: Path) -> EventLog:
    """The log of events, with the key of this configuration."""
    return EventLog(load_key(config.parent / "var" / "audit.key"))


@pytest.fixture
async def config(tmp_path: Path, database_url: str) -> Path:
    """A log with a few events, of people and of the terminal."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / ".env.production").write_text(f"DJANGO_SECRET_KEY={CANARY}\n")
    target = f"""
targets:
  grandvps:
    runtime: host
    directory: {tmp_path}/app
    config: [.env.production]
    maintenance: {{file: closed.txt}}
"""
    path = write_config(tmp_path, database_url, target)
    (tmp_path / "var").mkdir(mode=0o700)
    async with Database(database_url, log(path)) as database:
        await migrate(database)
        async with database.transaction() as tx:
            tx.record(Event("slack:U0ALICE001", "command.taken", detail={"text": "backup now"}))
            tx.record(Event("os:bob", "operation.requested", "operation:1", "grandvps"))
            leaked = {"state": "failed", "error": f"cannot sign in with {CANARY}"}
            tx.record(
                Event(
                    "slack:U0ALICE001",
                    "operation.finished",
                    "operation:1",
                    "grandvps",
                    outcome="failed",
                    detail=leaked,
                )
            )
    return path


async def run(config: Path, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    async with opsbell("audit", *words, cwd=config.parent, env=env or {}) as process:
        status = await process.wait(timeout=60)
        return status, "\n".join(process.output)


async def test_what_happened_is_listed_with_filters_and_without_secrets(
    config: Path, database_url: str
) -> None:
    status, text = await run(config)
    assert status == 0
    lines = text.splitlines()
    assert len(lines) == 3
    assert "✅ ok  U0ALICE001  command.taken  text=backup now" in lines[0]
    assert "✅ ok  os:bob  operation.requested  grandvps  operation:1" in lines[1]
    assert "🔴 failed  U0ALICE001  operation.finished" in lines[2]
    assert CANARY not in text
    async with Database(database_url, EventLog(b"")) as database:
        at = (await database.one("select at from events where id = 1"))["at"]
    assert lines[0].startswith(at.astimezone().strftime("%Y-%m-%d"))
    assert len((await run(config, "--user", "U0ALICE001"))[1].splitlines()) == 2
    assert len((await run(config, "--user", "os:bob", "--since", "7d"))[1].splitlines()) == 1
    assert len((await run(config, "--target", "grandvps"))[1].splitlines()) == 2
    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).strftime("%Y-%m-%d")
    assert (await run(config, "--since", tomorrow))[1].startswith("Nothing since")


async def test_more_than_is_shown_is_said(config: Path, database_url: str) -> None:
    async with Database(database_url, EventLog(b"")) as database:
        await database.execute(_ADD.format(actor="os:carol") + " from generate_series(4, 10000) n")
        status, text = await run(config)
        assert (status, len(text.splitlines())) == (0, 10_000)
        assert "Only the newest" not in text
        await database.execute(
            _ADD.format(actor="os:dan") + " from generate_series(10001, 10001) n"
        )
    status, text = await run(config)
    lines = text.splitlines()
    assert (status, len(lines)) == (0, 10_001)
    assert "Only the newest 10,000 events are shown, of more since then." in lines
    assert "backup now" not in text
    assert "os:dan" in text


async def test_as_json_too(config: Path) -> None:
    status, text = await run(config, "--json")
    found = json.loads(text)
    assert status == 0
    assert [each["action"] for each in found][::2] == ["command.taken", "operation.finished"]
    assert datetime.fromisoformat(found[0]["at"]) <= datetime.now(UTC)
    assert CANARY not in text


async def test_wrong_words_say_what_is_expected(config: Path) -> None:
    assert await run(config, "verfy") == (2, "audit does not know verfy. Did you mean verify?")
    assert (await run(config, "verify", "--user", "os:bob"))[0] == 2
    status, text = await run(config, "--target", "grandvp")
    assert (status, text) == (2, "There is no target called grandvp. Did you mean grandvps?")
    assert (await run(config, "--since", "yesterday"))[0] == 2


async def test_where_slack_is_away_people_are_asked_for_by_their_ids(config: Path) -> None:
    away = {"SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/", "SLACK_BOT_TOKEN": "xoxb-1"}
    status, text = await run(config, "--user", "alice", env=away)
    assert status == 1
    assert text.startswith("Slack cannot be reached at 127.0.0.1")
    assert text.endswith("Who is called alice only Slack knows: give the user ID (U…).")
    status, text = await run(config, "--user", "U0ALICE001", env=away)
    assert (status, text.count("U0ALICE001  ")) == (0, 2)


async def test_verify_says_whole_broken_or_cut(config: Path, database_url: str) -> None:
    status, text = await run(config, "verify")
    assert status == 0
    assert text.startswith("✅ The event log is whole: 3 events since")
    async with Database(database_url, EventLog(b"")) as database:
        await database.execute("delete from events where id = 3")
        status, text = await run(config, "verify")
        assert status == 1
        assert "The event log was cut: event 3" in text
        await database.execute("update events set actor = 'os:mallory' where id = 2")
    status, text = await run(config, "verify", "--json")
    assert status == 1
    assert json.loads(text) == {
        "whole": False,
        "events": 1,
        "since": json.loads(text)["since"],
        "broken_at": 2,
        "cut_at": None,
        "guarded": True,
    }


def known(config: Path) -> int:
    """The event up to which the log is known to have come."""
    head = read_head(config.parent / "var" / "audit.head")
    assert head
    return head.id


async def test_what_was_cut_is_noticed_where_the_terminal_alone_is_used(
    config: Path, database_url: str
) -> None:
    async with opsbell("maintenance", "on", cwd=config.parent) as process:
        assert await process.wait(timeout=60) == 0
    async with Database(database_url, EventLog(b"")) as database:
        newest = (await database.one("select max(id) as id from events"))["id"]
        assert known(config) == newest > 3
        (config.parent / "var" / "audit.head").unlink()
        async with opsbell("operation", "1", cwd=config.parent) as process:
            assert await process.wait(timeout=60) == 0
        assert known(config) == newest
        await database.execute("delete from events where id = %s", (newest,))
    status, text = await run(config, "verify")
    assert (status, f"was cut: event {newest} of" in text) == (1, True), text


async def test_how_far_the_log_had_come_is_kept_when_opsbell_stops(
    config: Path, database_url: str
) -> None:
    async with app_slack() as slack, running_opsbell(config, slack) as process:
        async with Database(database_url, log(config)) as database:
            async with asyncio.timeout(30):
                while not (config.parent / "var" / "audit.head").exists():
                    await asyncio.sleep(0.05)
            async with database.transaction() as tx:
                tx.record(Event("os:bob", "target.locked", detail={"why": "to see"}))
            newest = (await database.one("select max(id) as id from events"))["id"]
        assert known(config) < newest
        assert await process.terminate() == 0
        assert known(config) >= newest


async def test_without_its_key_nothing_is_verified_and_no_new_key_is_made(config: Path) -> None:
    key = config.parent / "var" / "audit.key"
    key.unlink()
    status, text = await run(config, "verify")
    assert status == 1
    assert "audit.key is missing" in text
    assert not key.exists()


async def test_people_have_names_where_slack_can_be_asked_and_admins_see_the_last(
    config: Path, database_url: str
) -> None:
    async with app_slack() as slack, running_opsbell(config, slack):
        environment = slack_environment(slack)
        async with Database(database_url, log(config)) as database, database.transaction() as tx:
            tx.record(Event("os:bob", "target.lock_stolen", "lock:grandvps", detail=STOLEN))
        _, text = await run(config, env=environment)
        assert text.count("Alice Adams (U0ALICE001)") == 3
        assert "why=asked Bob Brown (U0BOB00001) holder=Alice Adams (U0ALICE001)" in text
        _, text = await run(config, "--user", "alice", "--since", "1h", env=environment)
        assert text.count("Alice") == 2
        alice, carol = slack.person("alice"), slack.person("carol")
        await alice.command("/opsbell audit", channel="ops")
        await alice.wait_for_ephemeral(channel="ops", text="needs the role admin")
        await carol.command("/opsbell audit", channel="ops")
        shown = await carol.wait_for_ephemeral(channel="ops", text="The last")
        assert "✅ ok · bob at the terminal: asked for (operation 1) · grandvps" in shown.plain
        assert "(operation 1): failed. cannot sign in with ***" in shown.plain
        assert "backup now" not in shown.plain
        assert CANARY not in shown.plain
        assert slack.messages("ops") == []
        assert (config.parent / "var" / "audit.head").exists()


def test_times_are_read() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert moment("7d", now) == now - timedelta(days=7)
    assert moment("2026-11-20").date().isoformat() == "2026-11-20"
    assert moment("2026-11-20T14:00+00:00") == datetime(2026, 11, 20, 14, tzinfo=UTC)
    for wrong in ("", "x", "99999999d", "2026-13-01"):
        with pytest.raises(UsageError):
            moment(wrong, now)
