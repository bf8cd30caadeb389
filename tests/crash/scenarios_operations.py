"""Maintenance, deploy and restore while the program is killed, and what must have become of them.

What a kill has cut off is dealt with as people would: by the buttons of its message.
"""

from __future__ import annotations

import asyncio
import zlib

import psycopg

from bot.playground import Message
from bot.playground.modals import View
from tests.crash.grandvps import GRANDVPS, answer, grandvps, grandvps_target
from tests.crash.promises import check_all
from tests.crash.scenarios import Scenario, nothing
from tests.crash.stage import LIMIT, Stage

AT_ONCE = 6


async def _confirm(stage: Stage, name: str, words: str, typed: str = "") -> None:
    """Types a command and runs the plan in its modal."""
    alice = stage.slack.person("alice")
    await stage.ask(f"{name} typed", alice.command(words, channel="ops"))
    try:
        view = await stage.see(alice.wait_for_view(LIMIT, _is_plan))
    except TimeoutError:
        told = [message.plain for message in alice.ephemerals()]
        shown = [view.blocks for view in stage.slack.backend.views.stacks.get(alice.id, [])]
        raise AssertionError(f"no plan for {words}: {told} {shown}") from None
    await stage.ask(name, alice.submit(view, {"name": typed} if typed else {}))


def _is_plan(view: View) -> bool:
    """Whether a modal is the one with the plan, which may be filled only after a while."""
    return view.callback_id.startswith("operation.confirm")


async def _newest(stage: Stage) -> dict[str, object]:
    rows = await stage.all(
        "select id, runbook, state, course, error from operations"
        " where state not in ('planned', 'expired') order by id desc limit 1"
    )
    return dict(rows[0]) if rows else {}


async def _decide(stage: Stage) -> str:
    """Resumes or undoes what was cut off, as the run's name has it; what was chosen, if asked."""
    operation = await _newest(stage)
    if operation.get("course") != "choose":
        return ""
    choice = "Resume" if zlib.crc32(stage.directory.name.encode()) % 2 else "Undo"
    message = _message(stage, int(str(operation["id"])))
    await stage.slack.person("alice").click(message, choice)
    async with asyncio.timeout(LIMIT):
        while (await _newest(stage))["state"] == "interrupted":
            await asyncio.sleep(0.1)
    await stage.quiet()
    await check_all(stage)
    return choice


def _message(stage: Stage, number: int) -> Message:
    (found,) = [m for m in stage.slack.messages("ops") if f"operation {number}" in m.plain]
    return found


async def _page_agrees(stage: Stage) -> None:
    """Visitors are kept out exactly where the file says so, and /maintenance tells the truth."""
    closed = (stage.directory / "grandvps/maintenance_mode.txt").exists()
    status, _ = await answer(stage.directory, "/")
    assert status == (503 if closed else 200), f"the page answers {status}, file: {closed}"


def _rows(stage: Stage) -> int:
    with psycopg.connect(stage.application_url) as connection:
        found = connection.execute("select count(*) from witness").fetchone()
    assert found
    return int(found[0])


async def _maintain(stage: Stage) -> None:
    alice = stage.slack.person("alice")
    await stage.ask("on", alice.command("/maintenance on Upgrade for 30m", channel="ops"))
    await stage.quiet()
    await stage.ask("off", alice.command("/maintenance off", channel="ops"))
    await stage.quiet()


async def _maintained(stage: Stage) -> None:
    await _decide(stage)
    await _page_agrees(stage)
    operations = await stage.all("select runbook, state from operations order by id")
    done = [row["runbook"] for row in operations if row["state"] == "done"]
    closed = (stage.directory / "grandvps/maintenance_mode.txt").exists()
    if done:
        assert closed == done[-1].endswith("on"), (done, closed)
    else:
        assert not closed
    on_record = await stage.all(
        "select state from maintenances where state in ('beginning', 'on', 'ending')"
    )
    assert [row["state"] for row in on_record] == (["on"] if closed else [])


maintenance = Scenario(
    "maintenance",
    grandvps_target,
    _maintain,
    _maintained,
    nothing,
    at_once=AT_ONCE,
    template=GRANDVPS,
    around=grandvps,
)


async def _deploy(stage: Stage) -> None:
    await _confirm(stage, "deploy", "/deploy v1.5.0")
    await stage.quiet()


async def _deployed(stage: Stage) -> None:
    chosen = await _decide(stage)
    operation = await _newest(stage)
    version = "1.4.0"
    if operation.get("runbook") == "deploy" and operation["state"] == "done":
        version = "1.5.0"
    assert not chosen or (chosen == "Resume") == (operation["state"] == "done"), operation
    await _page_agrees(stage)
    assert await answer(stage.directory, "/healthz") == (200, f"ok {version}\n"), operation
    assert _rows(stage) == 500


deploy = Scenario(
    "deploy",
    grandvps_target,
    _deploy,
    _deployed,
    nothing,
    at_once=AT_ONCE,
    template=GRANDVPS,
    around=grandvps,
)


async def _back_up_and_go_on(stage: Stage) -> None:
    """A backup of 500 rows; then there are 600."""
    await stage.ask("backup", stage.slack.person("alice").command("/backup now", channel="ops"))
    await stage.quiet()
    with psycopg.connect(stage.application_url) as connection:
        connection.execute("insert into witness select generate_series(501, 600)")


async def _restore(stage: Stage) -> None:
    await _confirm(stage, "restore", "/restore latest database", typed="grandvps")
    await stage.quiet()


async def _restored(stage: Stage) -> None:
    """The old data or the new, never neither, and what the message says fits."""
    found = _rows(stage)
    assert found in (500, 600), found
    await _page_agrees(stage)
    chosen = await _decide(stage)
    operation = await _newest(stage)
    restored = operation.get("runbook") == "restore" and operation["state"] == "done"
    assert _rows(stage) == (500 if restored else 600), operation
    assert not chosen or (chosen == "Resume") == restored, operation
    await _page_agrees(stage)
    assert await answer(stage.directory, "/healthz") == (200, "ok 1.4.0\n"), operation
    names = await _databases(stage)
    assert len(names) == (2 if restored else 1), names


async def _databases(stage: Stage) -> list[str]:
    """The application's databases, all of which take connections but those put aside."""
    with psycopg.connect(stage.application_url) as connection:
        rows = connection.execute(
            "select datname from pg_database where starts_with(datname, %s)", (stage.application,)
        )
        return [str(name) for (name,) in rows]


restore = Scenario(
    "restore",
    grandvps_target,
    _restore,
    _restored,
    _back_up_and_go_on,
    at_once=AT_ONCE,
    template=GRANDVPS,
    around=grandvps,
)
