"""An operation as scripts see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.operations import view
from bot.operations.model import Operation, Step, TakenBack
from bot.operations.outcome import as_data
from bot.operations.standing import sign
from bot.operations.states import OperationState, StepState
from bot.slack.blocks import moment
from bot.words import Sign
from tests.operations.house import plan_of, step

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


def done(*results: Mapping[str, Any]) -> Operation:
    planned = [replace(step(f"step {at}"), kind=f"kind {at}") for at in range(len(results))]
    steps = tuple(
        Step(at, one, StepState.DONE, NOW, NOW, note=f"note {at}", result=result)
        for at, (one, result) in enumerate(zip(planned, results, strict=True))
    )
    end = NOW + timedelta(seconds=3)
    operation = Operation(
        7, plan_of(*planned), OperationState.DONE, "os:root", "manual", NOW, steps, NOW, end
    )
    return replace(operation, host="web1")


def test_what_steps_have_produced_is_told_by_its_name() -> None:
    told = as_data(
        done({"images": {}}, {"set": "20261122", "path": "/b/20261122"}, {"commit": "c"})
    )
    assert (told["backup"], told["path"], told["commit"]) == ("20261122", "/b/20261122", "c")
    assert "proven" not in told
    assert "images" not in told
    assert (told["operation"], told["state"], told["by"]) == (7, "done", "os:root@web1")
    assert told["steps"][1] == {"title": "Step 1", "state": "done", "note": "note 1"}
    assert told["finished"] == "2026-11-22T14:00:03+00:00"


def test_what_was_taken_back_was_not_produced() -> None:
    made = done({"set": "20261122"}, {"commit": "c"})
    first, second = made.steps
    steps = (first, replace(second, state=StepState.UNDONE))
    until = f"Kept until {moment(NOW)}."
    told = as_data(replace(made, steps=steps, state=OperationState.FAILED, error=until))
    assert told["backup"] == "20261122"
    assert "commit" not in told
    assert told["error"].startswith("Kept until ")
    assert "<!date" not in told["error"]


def test_where_many_steps_are_told_as_one_a_warning_keeps_its_line() -> None:
    told = view.lines(done({}, {"proven": False}, *({} for _ in range(view.MOST_ROWS + 3))), NOW)
    assert told[0].startswith("⚠️ ")
    assert told[1] == "✅ 4 steps done"
    assert told[2] == f"⚠️ Step 1{view.GAP}note 1"
    assert told[3].startswith("✅ Step 5")


@pytest.mark.parametrize(
    ("proofs", "proven"),
    [([True, True], True), ([False, True], False), ([None, True], True), ([None], None)],
)
def test_one_proof_that_fails_is_a_warning(proofs: list[bool | None], proven: bool | None) -> None:
    made = done(*({"proven": one} for one in proofs))
    assert as_data(made)["proven"] is proven
    assert sign(made) is (Sign.WARNING if proven is False else Sign.DONE)
    assert sign(replace(made, state=OperationState.FAILED)) is Sign.CRITICAL
    assert sign(replace(made, taken_back=(TakenBack(8),))) is Sign.UNDONE
