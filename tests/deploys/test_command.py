"""`/deploy`: its words, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from bot.deploys import view
from bot.deploys.rollback import DATABASE
from bot.errors import Refused, UsageError
from bot.operations.asking import Asking
from bot.operations.states import OperationState
from bot.slack.limits import fit
from bot.slack.surface import Answer, Call, Kind, Request
from commands.deploy import DeployCommand
from tests.deploys.bench import CAROL, Bench
from tests.deploys.conftest import Site

pytestmark = pytest.mark.needs("git")


class Windows:
    """Remembers the modals that were opened."""

    def __init__(self) -> None:
        self.opened: list[Any] = []

    async def open(self, request: Request, view: Any) -> str:
        self.opened.append(view)
        return "V1"

    async def update(self, view_id: str, view: Any) -> None:
        raise AssertionError("a modal was changed")


@pytest.fixture
def command(host: Bench) -> DeployCommand:
    asking = Asking(host.database, host.operations)
    return DeployCommand(host.settings, host.deploys, asking, host.operations)


def request(text: str, user: str = "U0ALICE001") -> Request:
    key = f"command:{user}:{text}"
    return Request(Kind.COMMAND, key, "deploy", user, text=text, trigger_id="T1")


async def ask(
    command: DeployCommand, bench: Bench, text: str, user: str = "U0ALICE001"
) -> tuple[Answer | None, list[Any]]:
    """What a person sees in return: an answer that Slack would take, and windows."""
    asked, windows = request(text, user), Windows()
    return await _answer(command.parse(asked), asked, bench, windows), windows.opened


async def _answer(call: Call, asked: Request, bench: Bench, windows: Windows) -> Answer | None:
    if call.query:
        answer = await call.query(asked, windows)
    else:
        assert call.change
        async with bench.database.transaction() as tx:
            answer = await call.change(asked, tx)
    assert not answer or fit(answer.message).overflow is None
    return answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v1.4.1 v1.5.0", "One ref at a time: v1.4.1 or v1.5.0"),
        ("--hard", "does not know the option --hard"),
        ("-c", "does not know the option -c"),
        ("status now", "takes no further words"),
        ("lock", "Say why"),
        ("rollback last", '"last" is no ID'),
        ("rollback 1 2", "One deploy at a time"),
        ("rollback --migrations --database", "One deploy at a time"),
        ("rollback --all", "does not know the option --all"),
        ("main;reboot", "is no branch, tag or commit"),
        ("$(reboot)", "is no branch, tag or commit"),
    ],
)
async def test_wrong_words_are_told(command: DeployCommand, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        command.parse(request(text))
    assert said in str(caught.value)


async def test_a_deploy_asks_before_it_runs(
    command: DeployCommand, host: Bench, site: Site
) -> None:
    answer, windows = await ask(command, host, "v1.5.0")
    assert answer is None
    shown = str(windows[0])
    assert "Tickets have a priority" in shown
    assert "0003_ticket_priority.sql (new)" in shown
    assert await site.runs("1.4.0")


async def test_the_plan_alone_is_shown(command: DeployCommand, host: Bench) -> None:
    answer, windows = await ask(command, host, "plan v1.4.1")
    assert answer
    assert not windows
    (run,) = answer.message.blocks[-1]["elements"]
    assert (run["text"]["text"], run["action_id"]) == ("Run", "operation.review")
    assert answer.data["plan"]["parameters"]["ref"] == "v1.4.1"


async def test_what_runs_and_what_was_deployed(
    command: DeployCommand, host: Bench, site: Site
) -> None:
    answer, _ = await ask(command, host, "status")
    assert answer
    assert f"runs {(await site.git('rev-parse', 'HEAD'))[:10]} (v1.4.0)" in answer.message.text
    deployed = await host.deploy("v1.4.1")
    answer, _ = await ask(command, host, "status")
    assert answer
    assert "(v1.4.1), deployed just now" in answer.message.text
    assert "2 migrations applied, none missing" in str(answer.message.blocks)
    answer, _ = await ask(command, host, "history")
    assert answer
    (one,) = answer.data["deploys"]
    assert (one["id"], one["ref"], one["state"]) == (deployed.id, "v1.4.1", "done")
    assert one["by"] == "slack:U0ALICE001"
    row = answer.message.blocks[1]
    before = await site.git("rev-parse", "v1.4.0")
    would = f"`/deploy rollback {deployed.id}` brings back {before[:10]} (v1.4.0)"
    assert row["text"]["text"].endswith(would)
    assert one["rollback_to"] == before
    button = row["accessory"]
    (control,) = (each for each in command.controls() if each.name == button["action_id"])
    key, windows = "click:back", Windows()
    clicked = Request(
        Kind.CLICK, key, control.name, "U0ALICE001", value=button["value"], trigger_id="T2"
    )
    assert await _answer(control.call, clicked, host, windows) is None
    assert f"Rollback of deploy {deployed.id}" in str(windows.opened[0]["blocks"])


async def test_what_runs_when_a_target_is_locked_is_named(
    command: DeployCommand, host: Bench
) -> None:
    number = await host.request("v1.4.1")
    async with host.database.transaction() as tx:
        await tx.execute("update operations set state = 'running'")
    answer, _ = await ask(command, host, "lock mails are moved", "U0BOB00001")
    assert answer
    told = f"Deploy of v1.4.1 to grandvps ({number}) is running and goes on."
    assert told in answer.message.text
    assert answer.data["running"] == [number]


async def test_a_lock_keeps_others_waiting_until_it_is_freed(
    command: DeployCommand, host: Bench, site: Site
) -> None:
    await ask(command, host, "lock mails are moved", "U0BOB00001")
    answer, _ = await ask(command, host, "status")
    assert answer
    assert "mails are moved" in str(answer.message.blocks)
    assert "<@U0BOB00001>" in str(answer.message.blocks)
    answer, _ = await ask(command, host, "plan v1.4.1")
    assert answer
    assert "Locked by <@U0BOB00001>" in str(answer.message.blocks)
    assert "mails are moved" in str(answer.message.blocks)
    _, (window,) = await ask(command, host, "v1.4.1")
    assert "mails are moved" in str(window["blocks"])
    waiting = await host.deploy("v1.4.1")
    assert waiting.state is OperationState.QUEUED
    with pytest.raises(Refused, match="is locked by <@U0BOB00001>"):
        await ask(command, host, "unlock")
    with pytest.raises(Refused, match="locked"):
        await ask(command, host, "lock me too")
    answer, _ = await ask(command, host, "unlock", "U0BOB00001")
    assert answer
    assert "mails are moved" in answer.message.text
    done = await host.finish(waiting.id)
    assert done.state is OperationState.DONE
    assert await site.runs("1.4.1")


async def locked(host: Bench) -> bool:
    """Whether somebody keeps the target."""
    async with host.database.transaction() as tx:
        return await host.operations.locks.get(tx, "grandvps") is not None


async def test_an_admin_takes_a_lock_away_once_it_was_seen_whose_it_is(
    command: DeployCommand, host: Bench
) -> None:
    await ask(command, host, "lock mails are moved", "U0BOB00001")
    answer, _ = await ask(command, host, "unlock", CAROL)
    assert answer
    said, row = answer.message.blocks
    assert "Locked by <@U0BOB00001>" in str(said)
    assert "mails are moved" in str(said)
    assert await locked(host)
    (button,) = row["elements"]
    assert "<@U0BOB00001>" in str(button["confirm"])
    (control,) = (each for each in command.controls() if each.name == button["action_id"])

    async def click(user: str) -> Answer | None:
        clicked = Request(Kind.CLICK, f"click:{user}", control.name, user, value=button["value"])
        return await _answer(control.call, clicked, host, Windows())

    with pytest.raises(Refused, match="is locked by <@U0BOB00001>"):
        await click("U0ALICE001")
    answer = await click(CAROL)
    assert answer
    assert "is unlocked" in answer.message.text
    assert not await locked(host)
    # The button stays where it was shown. The next lock is another one.
    await ask(command, host, "lock and the files", "U0BOB00001")
    with pytest.raises(Refused, match="no longer locked as it was shown"):
        await click(CAROL)
    assert await locked(host)


async def test_at_the_terminal_a_lock_is_taken_away_by_force_and_that_is_on_record(
    command: DeployCommand, host: Bench
) -> None:
    await ask(command, host, "lock mails are moved", "U0BOB00001")
    with pytest.raises(Refused, match=r"by <@U0BOB00001> \(.+\): mails are moved") as caught:
        await ask(command, host, "unlock", "os:root")
    assert "unlock --force" in caught.value.hint
    assert await locked(host)
    answer, _ = await ask(command, host, "unlock --force", "os:root")
    assert answer
    async with host.database.transaction() as tx:
        row = await tx.one("select actor, detail from events where action = 'target.lock_stolen'")
    assert row["actor"] == "os:root"
    assert row["detail"]["holder"] == "slack:U0BOB00001"


async def test_the_database_of_before_is_for_those_who_may_restore(
    command: DeployCommand, host: Bench
) -> None:
    for text in ("rollback --database", "plan rollback --database"):
        assert command.parse(request(text)).access == "restore"
    assert command.parse(request("rollback --migrations")).access == "deploy"
    (control,) = (each for each in command.controls() if each.name == view.BACK_WITH)
    number = await host.request("v1.4.1")
    clicked = Request(
        Kind.CLICK, "click:with", control.name, "U0ALICE001", text=DATABASE, value=str(number)
    )
    with pytest.raises(Refused, match="/restore takes the role admin"):
        await _answer(control.call, clicked, host, Windows())
