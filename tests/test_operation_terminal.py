"""`opsbell operation N` as people type it: what its message's buttons do, without Slack."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot.operation_terminal import _instead
from bot.operations.model import Operation, TakenBack
from bot.operations.plan import Plan
from bot.operations.states import OperationState
from bot.os_user import host, me
from bot.playground import LocalSlack
from tests.parts.compose_project import ComposeProject
from tests.parts.house import (
    app_slack,
    running_opsbell,
    shows,
    slack_environment,
    write_config,
)
from tests.parts.process import ChildProcess, opsbell
from tests.runbooks.test_commands import count_in
from tests.targets.places import compose_settings

RUNBOOKS = """
access: {{runbook: {{approvals: {approvals}}}}}
targets:
  grandvps: {{runtime: host, directory: {directory}}}
runbooks:
  slow:
    title: Take long
    steps:
      - {{host: [touch, begun], undo: [{{host: [touch, undone]}}]}}
      - {{host: [sh, -c, "touch sleeps; test -e go || exec sleep 3600"]}}
"""


def configured(directory: Path, database_url: str, approvals: int = 0) -> Path:
    (directory / "app").mkdir()
    part = RUNBOOKS.format(directory=directory / "app", approvals=approvals)
    return write_config(directory, database_url, part)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened:
        yield opened


class Terminal:
    """Opsbell's commands beside one configuration."""

    def __init__(self, config: Path, slack: LocalSlack) -> None:
        self.app = config.parent / "app"
        self._config = config
        self._env = slack_environment(slack)

    def slow(self) -> ChildProcess:
        """The runbook, followed until it ends."""
        return opsbell("runbook", "slow", "--yes", cwd=self._config.parent, env=self._env)

    async def operation(self, *words: str) -> tuple[int, str]:
        """The exit status, and what was said."""
        async with opsbell("operation", *words, cwd=self._config.parent, env=self._env) as process:
            status = await process.wait(timeout=60)
            return status, "\n".join(process.output)

    async def sleeps(self) -> None:
        """Waits for the runbook's second step, and forgets it."""
        async with asyncio.timeout(30):
            while not (self.app / "sleeps").exists():
                await asyncio.sleep(0.05)
        (self.app / "sleeps").unlink()


@pytest.mark.needs("docker", "compose", "postgres-image", "web-image")
async def test_what_one_process_runs_in_a_container_another_one_cancels(
    tmp_path: Path, database_url: str, slack: LocalSlack, grandvps: ComposeProject
) -> None:
    command = ["sh", "-c", "sleep 36082 & sleep 36082; true"]
    slow = {"title": "Take long", "steps": [{"run": {"service": "web", "command": command}}]}
    target = compose_settings(grandvps)
    part = yaml.safe_dump({"targets": {"grandvps": target}, "runbooks": {"slow": slow}})
    terminal = Terminal(write_config(tmp_path, database_url, part), slack)
    async with terminal.slow() as following:
        await count_in(grandvps, "36082", 2)
        status, ended = await terminal.operation("1", "cancel")
        assert status == 0, ended
        assert "Take long on grandvps · cancelled" in ended
        assert await following.wait(timeout=30) == 1
    await count_in(grandvps, "36082", 0)


async def test_a_running_operation_is_shown_and_cancelled(
    tmp_path: Path, database_url: str, slack: LocalSlack
) -> None:
    terminal = Terminal(configured(tmp_path, database_url), slack)
    async with terminal.slow() as following:
        await terminal.sleeps()
        status, shown = await terminal.operation("1")
        assert status == 0
        assert "Take long on grandvps · step 2 of 2" in shown
        assert shown.endswith("opsbell operation 1 cancel")
        assert f"Asked for by {me()}@{host()} at the terminal, " in shown
        refused = (
            "Not undone: operation 1, Take long on grandvps, is running."
            " What can be done with it: opsbell operation 1 cancel."
        )
        assert await terminal.operation("1", "undo") == (1, refused)
        assert (await terminal.operation("1", "cancle")) == (
            2,
            "operation does not know cancle. Did you mean cancel?",
        )
        status, ended = await terminal.operation("1", "cancel")
        assert status == 0, ended
        assert "Take long on grandvps · cancelled" in ended
        assert await following.wait(timeout=30) == 1
    assert (terminal.app / "undone").exists()
    ended = "operation 1, Take long on grandvps, was cancelled. How it ended: opsbell operation 1."
    assert await terminal.operation("1", "cancel") == (1, f"Not cancelled: {ended}")
    assert await terminal.operation("1", "undo") == (1, f"Not undone: {ended}")
    none = "There is no operation 7. opsbell audit --since 7d names those of the last week."
    assert await terminal.operation("7") == (1, none)
    assert await terminal.operation("7", "undo") == (1, none)
    assert (await terminal.operation("seven", "undo"))[0] == 2


async def test_what_runs_for_others_when_ones_own_has_ended_is_waited_for(
    tmp_path: Path, database_url: str, slack: LocalSlack
) -> None:
    waits = "touch begun; while ! test -e end; do sleep 0.1; done"
    targets, runbooks = {}, {}
    for name, target in (("short", "grandvps"), ("long", "shop")):
        (tmp_path / target).mkdir()
        targets[target] = {"runtime": "host", "directory": str(tmp_path / target)}
        steps = [{"host": ["sh", "-c", waits]}]
        runbooks[name] = {"title": name, "target": target, "steps": steps}
    part = yaml.safe_dump({"targets": targets, "runbooks": runbooks})
    cwd = write_config(tmp_path, database_url, part).parent
    env = slack_environment(slack)
    async with opsbell("runbook", "short", "--yes", cwd=cwd, env=env) as short:
        await begun(tmp_path / "grandvps")
        # Somebody works off what is asked for, so this one leaves its own to them.
        async with opsbell("runbook", "long", "--yes", cwd=cwd, env=env) as long:
            await begun(tmp_path / "shop")
            (tmp_path / "grandvps" / "end").touch()
            await short.wait_for_line("What else runs in this process is waited for.")
            (tmp_path / "shop" / "end").touch()
            assert await short.wait() == 0, short.output
            assert await long.wait() == 0, long.output


async def begun(directory: Path) -> None:
    async with asyncio.timeout(60):
        while not (directory / "begun").exists():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("verb", "state"), [("resume", "done"), ("undo", "undone"), ("leave", "left as it is")]
)
async def test_what_becomes_of_an_interrupted_one_is_settled(
    tmp_path: Path, database_url: str, slack: LocalSlack, verb: str, state: str
) -> None:
    config = configured(tmp_path, database_url)
    terminal = Terminal(config, slack)
    async with terminal.slow() as following:
        await terminal.sleeps()
        await following.kill9()
    async with running_opsbell(config, slack):
        await slack.wait_for_message(channel="ops", text="interrupted", timeout=30)
    status, shown = await terminal.operation("1")
    assert status == 0
    assert shown.endswith("opsbell operation 1 resume, undo or leave")
    (terminal.app / "go").touch()
    status, ended = await terminal.operation("1", verb)
    assert (status, state in ended) == (0, True), ended
    assert (terminal.app / "undone").exists() == (verb == "undo")
    assert (terminal.app / "sleeps").exists() == (verb == "resume")


@pytest.mark.parametrize(
    ("runbook", "told"),
    [
        ("deploy", "To go back: opsbell deploy rollback 15 --target grandvps."),
        (
            "restore",
            "To put back what a restore replaced: opsbell restore undo --target grandvps.",
        ),
        ("backup", "How it ended: opsbell operation 15."),
    ],
)
def test_what_is_done_is_taken_back_by_a_command_of_its_own(runbook: str, told: str) -> None:
    plan = Plan(runbook, "A plan", "grandvps", ())
    done = Operation(15, plan, OperationState.DONE, "os:root", "manual", datetime.now(UTC), ())
    assert _instead(done, "undo") == told
    back = replace(done, taken_back=(TakenBack(17),))
    assert _instead(back, "undo") == "How it ended: opsbell operation 15."


async def test_people_are_called_by_their_names_and_without_slack_by_their_ids(
    tmp_path: Path, database_url: str, slack: LocalSlack
) -> None:
    config = configured(tmp_path, database_url, approvals=1)
    terminal = Terminal(config, slack)
    carol, dan = slack.person("carol"), slack.person("dan")
    async with running_opsbell(config, slack):
        await carol.command("/runbook slow", channel="ops")
        await carol.submit(await carol.wait_for_view(10, shows("Take long")))
        asked = await slack.wait_for_message(channel="ops", text="Waits for 1 approval")
        await dan.click(asked, "Refuse")
        await slack.wait_for_message(channel="ops", text="Refused by")
    _, shown = await terminal.operation("1")
    assert "Asked for by Carol Clark, " in shown
    assert "Refused by Dan Davis" in shown
    await slack.go_away()
    _, shown = await terminal.operation("1")
    assert f"Asked for by {carol.id}, " in shown
    assert f"Refused by {dan.id}" in shown


async def test_a_plan_that_waits_for_approval_says_that_nobody_is_asked(
    tmp_path: Path, database_url: str, slack: LocalSlack
) -> None:
    terminal = Terminal(configured(tmp_path, database_url, approvals=1), slack)
    async with terminal.slow() as following:
        await following.wait_for_line("No Opsbell is running: nobody is asked until one does.")
        await following.wait_for_line("Waits for 1 approval")
        status, shown = await terminal.operation("1")
        assert status == 0
        assert "Waits for 1 approval by Carol Clark or Dan Davis until" in shown
        assert "--break-glass" not in shown
        assert (await terminal.operation("1", "cancel"))[0] == 0
        assert await following.wait(timeout=30) == 1
    assert list(terminal.app.iterdir()) == []
