"""What is going on while the program is killed, and what must have become of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.playground.message import Message
from bot.slack.message import Upload
from bot.store.database import Database
from bot.store.events import EventLog, load_key
from tests.backups.sample import make_application
from tests.crash.promises import happened, kept
from tests.crash.stage import LIMIT, Stage
from tests.parts.compose_project import ComposeProject
from tests.parts.house import compose_target
from tests.slack.posting import open_desk

TITLE = "Daily maintenance"
CHECKLISTS = f"""
checks:
  disk: {{kind: disk, path: /, warn: 99, crit: 100}}
checklists:
  daily:
    title: {TITLE}
    channel: ops
    schedule: "0 9 1 1 *"
    items:
      - {{text: Check system resource usage, check: disk}}
      - Monitor application logs for errors
      - Review failed payment transactions
"""

Play = Callable[[Stage], Awaitable[None]]


async def nothing(stage: Stage) -> None:
    """Where a scenario needs no preparation."""


@asynccontextmanager
async def alone(directory: Path, application_url: str) -> AsyncIterator[None]:
    """Where nothing else runs."""
    yield


@dataclass(frozen=True)
class Scenario:
    """`prepare` comes before the calls are counted, `play` while they are, `check` at the end.

    `config` gives the parts of opsbell.yaml, from the run's directory and the URL of a database
    of the application's that is the run's own, a copy of `template`; `around` is what runs beside
    Opsbell meanwhile. So many runs go beside one another as `at_once`
    says: most of a run is waiting until a dead process counts as dead.
    """

    name: str
    config: Callable[[Path, str], str]
    play: Play
    check: Play
    prepare: Play = nothing
    at_once: int = 16
    template: str = "crash_application"
    around: Callable[[Path, str], AbstractAsyncContextManager[None]] = alone


def _checklists(directory: Path, application_url: str) -> str:
    return CHECKLISTS


async def _post(stage: Stage) -> None:
    await stage.ask(
        "post", stage.slack.person("alice").command("/checklist post daily", channel="ops")
    )


async def _posted_once(stage: Stage) -> None:
    await kept(stage, "post", await happened(stage, "checklist.posted"))
    for message in stage.slack.messages("ops"):
        assert "Check system" in message.plain
        assert "disk" in message.plain.lower() or "%" in message.plain, message.plain


posting = Scenario("posting", _checklists, _post, _posted_once)


async def _list(stage: Stage) -> Message:
    return await stage.see(stage.slack.wait_for_message("ops", TITLE, timeout=LIMIT))


async def _post_and_wait(stage: Stage) -> None:
    await _post(stage)
    await _list(stage)


async def _tick(stage: Stage) -> None:
    """Two people tick at once, each from what was on the screen before; one unticks again."""
    message = await _list(stage)
    alice, bob = stage.slack.person("alice"), stage.slack.person("bob")
    ticking = (
        stage.ask("first", alice.tick(message, "Check system")),
        stage.ask("second", bob.tick(message, "Review failed")),
    )
    outcomes = await _all(*ticking)
    if outcomes:
        raise outcomes[0]
    await stage.ask("third", alice.tick(message, "Monitor application"))


async def _all(*asking: Awaitable[None]) -> list[BaseException]:
    done = await asyncio.gather(*asking, return_exceptions=True)
    return [each for each in done if isinstance(each, BaseException)]


async def _ticks_kept(stage: Stage) -> None:
    rows = await stage.all("select position, state, by, ticks from checklist_items")
    items = {row["position"]: row for row in rows}
    closed = 0
    for name, position, who in (
        ("first", 1, "U0ALICE001"),
        ("third", 2, "U0ALICE001"),
        ("second", 3, "U0BOB00001"),
    ):
        item = items[position]
        times = await happened(stage, "item.ticked", f'"position": {position}')
        await kept(stage, name, times)
        assert (item["state"], item["by"], item["ticks"]) == (
            ("done", f"slack:{who}", 1) if times else ("open", "", 0)
        ), item
        closed += times
    (message,) = [m for m in stage.slack.messages("ops") if TITLE in m.plain]
    assert f"{closed} of 3" in message.plain, message.plain


ticking = Scenario("ticking", _checklists, _tick, _ticks_kept, _post_and_wait)

_KEY = "crash:post"
_REPLY = "crash:reply"


async def _put(stage: Stage) -> None:
    """Another replica, which works off nothing, wants two messages and a file, then another text.

    What it commits is there whatever becomes of the program.
    """
    log = EventLog(load_key(stage.directory / "var" / "audit.key"))
    async with (
        Database(stage.database_url, log, size=2) as database,
        open_desk(database, stage.slack) as desk,
    ):
        files = (Upload("chart.txt", b"a chart of nothing", "Chart"),)
        await desk.put(_KEY, "one", uploads=files)
        await desk.put(_REPLY, "a reply", under=_KEY)
        stage.acked["put"] = True
        await stage.see(stage.slack.wait_for_message("ops", "one", timeout=LIMIT))
        await desk.put(_KEY, "two")
        stage.acked["change"] = True


async def _says_the_last(stage: Stage) -> None:
    if stage.acked.get("put"):
        (message,) = stage.slack.messages("ops")
        assert message.text == ("two" if stage.acked.get("change") else "one")
        replies = stage.slack.replies(message)
        assert sorted(len(reply.files) for reply in replies) == [0, 1], replies


posts = Scenario("posts", lambda directory, url: "", _put, _says_the_last)


def _host_target(directory: Path, application_url: str) -> str:
    make_application(directory / "app")
    return f"""
targets:
  grandvps:
    runtime: host
    directory: {directory}/app
    database: {{url: "{application_url}"}}
    files: {{media: media}}
    config: [.env.production]
backups:
  grandvps:
    include: [database, media, config]
    store: {{directory: {directory}/backups}}
    keep: {{last: 1}}
"""


async def _back_up(stage: Stage) -> None:
    await stage.ask("backup", stage.slack.person("alice").command("/backup now", channel="ops"))
    await stage.quiet()


async def _backed_up(stage: Stage) -> None:
    """The command led to one operation more than the one before."""
    requested = len(await stage.all("select from operations")) - 1
    await kept(stage, "backup", requested)


host_backup = Scenario("host-backup", _host_target, _back_up, _backed_up, _back_up)


def compose_backup(project: ComposeProject) -> Scenario:
    """A backup of a real Compose project, through Docker.

    Every run has a database of its own on the project's server, as every target has.
    """

    def database(stage_directory: Path) -> str:
        return f"{project.database}_{stage_directory.name}"

    def config(directory: Path, application_url: str) -> str:
        parts = compose_target(project, backups=directory / "backups")
        return parts.replace(f"name: {project.database}}}", f"name: {database(directory)}}}")

    async def prepare(stage: Stage) -> None:
        name = database(stage.directory)
        await project.psql(f"create database {name}")
        await project.psql("create table users as select generate_series(1, 1000) as id", name)

    async def backed_up(stage: Stage) -> None:
        await kept(stage, "backup", len(await stage.all("select from operations")))
        left = await project.psql(
            "select count(*) from pg_stat_activity where application_name like 'opsbell backup%'"
            f" and datname = '{database(stage.directory)}'"
        )
        assert left == "0", f"{left} sessions are left"

    return Scenario("compose-backup", config, _back_up, backed_up, prepare, at_once=5)
