"""What an operation's message makes of texts from outside, and whom it warns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.operations import plan_view, view
from bot.operations.model import Operation, Step
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState, StepState
from bot.slack.limits import fit
from bot.slack.message import Message
from bot.terminal import lines
from tests.operations.house import plan_of, step

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
OUTSIDE = "*bold* _it_ ~gone~ `code` <!channel> &amp; <@U0ALICE001>"


def operation(plan: Plan, state: OperationState, **said: object) -> Operation:
    steps = tuple(Step(at, planned) for at, planned in enumerate(plan.steps))
    found = Operation(7, plan, state, "slack:U0BOB00001", "manual", NOW, steps)
    return replace(found, **said)  # type: ignore[arg-type]  # any field may be said


def mrkdwn(message: Message) -> list[str]:
    """What Slack reads for formatting and mentions, code left out."""
    texts = []
    for block in message.blocks:
        for text in (block.get("text"), *block.get("elements", ())):
            if text and text.get("type") == "mrkdwn":
                parts = text["text"].replace("```", "`").split("`")
                texts.append("".join(parts[::2]))
    return texts


def test_nothing_from_outside_is_formatting_or_a_mention() -> None:
    plan = replace(plan_of(step("migrate"), notes=(OUTSIDE,)), title=f"Deploy {OUTSIDE}")
    ended = Step(0, plan.steps[0], StepState.FAILED, NOW, NOW, note=OUTSIDE)
    failed = operation(
        plan, OperationState.FAILED, steps=(ended,), error=OUTSIDE, output=f"{OUTSIDE} ```"
    )
    shown = view.message(failed, view.Shown(NOW))
    for message in (shown, view.alarm(failed), plan_view.message(plan)):
        for text in mrkdwn(message):
            assert "<!channel>" not in text
            assert not any(sign in text.replace("*1. Migrate*", "").strip("*") for sign in "*~")
        assert "<!channel>" not in fit(message).message.text
    assert OUTSIDE in "\n".join(lines(shown))
    assert "<@U0BOB00001>" in str(view.alarm(failed).blocks)


@pytest.mark.parametrize("approves", ["the plan", "a step"])
def test_who_asked_at_a_terminal_could_be_who_approves(approves: str) -> None:
    wanted = plan_of(PlannedStep("approval", "Approval", {}))
    state = OperationState.AWAITING
    steps: tuple[Step, ...] = (Step(0, wanted.steps[0]),)
    if approves == "a step":
        state, steps = OperationState.RUNNING, (Step(0, wanted.steps[0], StepState.RUNNING, NOW),)
    asked = operation(wanted, state, steps=steps)
    assert "Whoever typed" not in str(view.message(asked, view.Shown(NOW)).blocks)
    asked = replace(asked, actor="os:root", host="web1")
    told = "⚠️ Asked for at the terminal by root@web1. Whoever typed this does not approve it."
    assert told in mrkdwn(view.message(asked, view.Shown(NOW)))
    queued = replace(asked, state=OperationState.QUEUED, steps=())
    assert "Whoever typed" not in str(view.message(queued, view.Shown(NOW)).blocks)


def test_a_loud_message_names_who_asked_also_at_the_terminal() -> None:
    typed = operation(plan_of(step("migrate")), OperationState.AWAITING, actor="os:root")
    loud = view.unapproved(replace(typed, host="web1"), "nobody is awake")
    assert mrkdwn(loud) == ["Asked for by root@web1 at the terminal"]
    asked = view.unapproved(replace(typed, actor="slack:U0BOB00001"), "nobody is awake")
    assert mrkdwn(asked) == ["Asked for by <@U0BOB00001>"]


def test_the_undo_of_the_whole_is_not_read_as_that_of_the_last_step() -> None:
    plan = plan_of(step("migrate", undo="migrate back"), undo="restore the backup")
    told = plan_view.lines(plan)
    assert told[-2:] == ["     Undo: migrate back", "Undo of the whole: restore the backup"]
    assert "Undo of the whole: restore the backup" in mrkdwn(plan_view.message(plan))


def test_who_approves_is_asked_and_told_the_risks_of_what_is_to_come() -> None:
    risky = [step(name, risk=f"{name} is away") for name in ("check", "swap", "move")]
    wanted = operation(plan_of(*risky, step("look")), OperationState.AWAITING)
    first, *rest = wanted.steps
    wanted = replace(wanted, steps=(replace(first, state=StepState.LEFT_OUT), *rest))
    fitted = fit(view.message(wanted, view.Shown(NOW))).message
    [row] = [block for block in fitted.blocks if block["type"] == "actions"]
    [approve] = [each for each in row["elements"] if each["action_id"] == "operation.approve"]
    assert approve["confirm"]["confirm"]["text"] == "Approve it"
    assert approve["confirm"]["text"]["text"].splitlines() == [
        f"{wanted.plan.title} goes on once enough have approved.",
        "Risk: swap is away",
        "Risk: move is away",
    ]


@pytest.mark.parametrize(
    ("took", "told"),
    [(22, "22 s of about 22 s"), (26, "26 s, usually about 22 s"), (10, "10 s of about 22 s")],
)
def test_what_takes_longer_than_usual_is_told_so(took: int, told: str) -> None:
    usual = timedelta(seconds=22)
    wanted = plan_of(step("dump"))
    began = NOW - timedelta(seconds=took)
    running = Step(0, wanted.steps[0], StepState.RUNNING, began)
    found = operation(wanted, OperationState.RUNNING, steps=(running,), started=began)
    head, body = view.lines(found, NOW, usual, {"Dump": usual})
    assert head.endswith(f" · {told}")
    assert body.endswith(f"{view.GAP}{told}")
