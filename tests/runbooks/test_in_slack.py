"""/runbook as people meet it: `opsbell run` and the local Slack, and the terminal's twin."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from bot.playground.modals import View
from tests.parts.house import app_slack, running_opsbell, slack_environment, write_config
from tests.parts.process import opsbell

RUNBOOKS = """
access: {{runbook: {{role: operator, approvals: {approvals}}}}}
targets:
  grandvps:
    runtime: host
    directory: {directory}
runbooks:
  greet:
    title: Greet someone
    target: grandvps
    role: operator
    params:
      name: {{title: Who, pattern: "[^!]+"}}
      times: {{type: integer, default: "2"}}
      tone: {{type: choice, choices: [warm, cool], default: warm}}
    steps:
      - host: [sh, -c, 'echo "$1" "$2" >> greeted; echo greeted "$1"', sh, "{{name}}", "{{tone}}"]
      - {{note: "Say hello to {{name}} too"}}
  tidy:
    title: Tidy up
    role: admin
    steps: [{{host: [touch, tidied]}}]
  ask:
    title: Ask first
    role: operator
    steps: [{{approval: {{role: operator, text: "Now?"}}}}]
"""


def configured(directory: Path, database_url: str, approvals: int = 0) -> Path:
    (directory / "app").mkdir()
    part = RUNBOOKS.format(directory=directory / "app", approvals=approvals)
    return write_config(directory, database_url, part)


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    return configured(tmp_path, database_url)


@pytest.fixture
async def slack(config: Path) -> AsyncIterator[LocalSlack]:
    async with app_slack() as opened, running_opsbell(config, opened):
        yield opened


def shows(text: str) -> Callable[[View], bool]:
    """Whether a modal shows a text."""
    return lambda view: text in json.dumps(view.blocks)


async def test_what_is_missing_is_asked_for_then_the_plan_is_shown_and_run(
    slack: LocalSlack, config: Path
) -> None:
    alice = slack.person("alice")
    await alice.command("/runbook greet tone=cool", channel="ops")
    form = await alice.wait_for_view(30, shows("Who"))
    result = await alice.submit(form, {"Who": "no!", "tone": "cool"})
    assert result.errors == {"name": "It has to be a text that matches [^!]+."}
    await alice.submit(form, {"Who": "$(touch hacked) & <b>"})
    plan = await alice.wait_for_view(30, shows("greeted"))
    assert slack.messages("ops") == []
    await alice.submit(plan)
    done = await slack.wait_for_message(channel="ops", text="Greet someone on grandvps · done")
    assert "greeted $(touch hacked) & <b>" in done.plain
    told = await slack.wait_for_message(channel="ops", text="Greet someone on grandvps: Say hello")
    assert "Say hello to $(touch hacked) &amp; &lt;b&gt; too" in told.plain
    assert told.ts != done.ts
    app = config.parent / "app"
    assert (app / "greeted").read_text() == "$(touch hacked) & <b> cool\n"
    assert not (app / "hacked").exists()


async def test_each_runbook_asks_for_its_own_role(slack: LocalSlack, config: Path) -> None:
    alice, carol = slack.person("alice"), slack.person("carol")
    await alice.command("/runbook", channel="ops")
    listed = await alice.wait_for_ephemeral(channel="ops", text="/runbook greet name=…")
    assert "needs the role admin" in listed.plain
    await alice.command("/runbook tidy", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="runbook tidy needs the role admin")
    await carol.command("/runbook plan tidy", channel="ops")
    shown = await carol.wait_for_ephemeral(channel="ops", text="Nothing has been run")
    assert "touch tidied" in shown.plain
    await carol.command("/runbook greet name=x", channel="ops")
    await carol.wait_for_ephemeral(channel="ops", text="runbook greet needs the role operator")
    await alice.command("/runbook greet name=x colour=red", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="There is no parameter colour")
    await alice.command("/runbook great", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="Did you mean greet")
    assert slack.messages("ops") == []
    assert list((config.parent / "app").iterdir()) == []


async def test_in_a_thread_the_words_say_all(slack: LocalSlack) -> None:
    alice = slack.person("alice")
    await alice.say("@opsbell runbook greet", channel="ops")
    await alice.wait_for_ephemeral(channel="ops", text="It needs name")
    await alice.say('@opsbell runbook greet name="Bob and Eve"', channel="ops")
    shown = await alice.wait_for_ephemeral(channel="ops", text="Nothing has been run")
    await alice.click(shown, "Go on")
    await alice.submit(await alice.wait_for_view(30, shows("Bob and Eve")))
    await slack.wait_for_message(channel="ops", text="Greet someone on grandvps · done")


async def test_approvals_are_those_of_the_command(tmp_path: Path, database_url: str) -> None:
    config = configured(tmp_path, database_url, approvals=1)
    async with app_slack() as slack, running_opsbell(config, slack):
        alice, bob, carol = (slack.person(name) for name in ("alice", "bob", "carol"))
        await alice.command("/runbook greet name=Eve", channel="ops")
        await alice.submit(await alice.wait_for_view(30, shows("Eve")))
        waits = await slack.wait_for_message(channel="ops", text="Waits for 1 approval")
        await carol.click(waits, "Approve")
        await carol.wait_for_ephemeral(channel="ops", text="role operator")
        assert not (tmp_path / "app" / "greeted").exists()
        await bob.click(waits, "Approve")
        await slack.wait_for_message(channel="ops", text="Greet someone on grandvps · done")


async def test_a_step_that_waits_for_people_calls_those_who_can_approve_it(
    slack: LocalSlack,
) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    await alice.command("/runbook ask", channel="ops")
    await alice.submit(await alice.wait_for_view(30, shows("Ask first")))
    told = await slack.wait_for_message(
        channel="ops", text="Ask first on grandvps: waits for 1 approval of operator: Now?"
    )
    assert told.plain.startswith(f"<@{bob.id}> Ask first")
    live = await slack.wait_for_message(channel="ops", text="Ask first on grandvps · step 1 of 1")
    await bob.click(live, "Approve")
    await slack.wait_for_message(channel="ops", text="Ask first on grandvps · done")


async def test_the_terminal_does_the_same(slack: LocalSlack, config: Path) -> None:
    environment = slack_environment(slack)
    words = ("runbook", "greet", "name=Bob's; touch hacked", "--yes")
    async with opsbell(*words, cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=60) == 0, process.output
    app = config.parent / "app"
    assert (app / "greeted").read_text() == "Bob's; touch hacked warm\n"
    assert sorted(each.name for each in app.iterdir()) == ["greeted"]
    await slack.wait_for_message(channel="ops", text="Greet someone on grandvps · done")
    async with opsbell("runbook", "list", "--json", cwd=config.parent, env=environment) as process:
        assert await process.wait(timeout=60) == 0
        found = json.loads("\n".join(process.output))["runbooks"]
    assert [each["name"] for each in found] == ["greet", "tidy", "ask"]
