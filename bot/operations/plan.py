"""Plans: what will run, where, what it risks and how it is taken back. Frozen values."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class Confirm(StrEnum):
    """What the person who asks for a plan is asked in return before it goes on."""

    NONE = "none"
    ASK = "ask"  # whether to run it
    NAME = "name"  # to type the target's name


class Recovery(StrEnum):
    """What happens to an operation whose process died."""

    UNDO = "undo"  # all that it began is undone at once
    ASK = "ask"  # the step that was cut off is undone; people choose: resume, undo or leave


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan: its kind names the code that runs it, `arguments` are JSON values.

    `command`, `risk` and `undo` are for people: what exactly runs (redacted, as it is typed), what
    to know before, and what takes it back ("" where nothing has to be or can be taken back).
    `limit` is in seconds. `retries` are for steps that may run twice. A step that `stands` is not
    undone because a later one failed. One that is `always` to run also runs after a failure, once
    what failed is undone; after a crash only where it is `repeatable`. Steps of one `group` make
    one thing (a safety backup): one that is cut off takes the others with it. `left_out` says why
    planning left it out; it does not run then.
    """

    kind: str
    title: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    risk: str = ""
    undo: str = ""
    limit: float | None = None
    retries: int = 0
    repeatable: bool = False
    stands: bool = False
    always: bool = False
    group: str = ""
    left_out: str = ""


@dataclass(frozen=True)
class Plan:
    """What will run, where. A frozen value: what is approved is what runs.

    `facts` are resolved identities that the steps share, such as a backup's ID. `parameters` are
    what it was planned from; planned again from them at the start, it must be the same. `notes` are
    lines for people (the commits of a deploy, what will be gone), not compared: sizes and times
    stand there. `access` names the rule of who may run, approve and cancel it; the runbook's own
    where it is "". `undo` says how it is taken back once it is done. One that `disturbs` nothing
    (a backup) leaves all as it was for an operation that was interrupted before it. `parts` are
    what is taken back each by itself, none where it is one whole. `takes_back` says of which
    operations it takes what back once it is done: their numbers, each with a part or "" for all.
    """

    runbook: str
    title: str
    target: str
    steps: tuple[PlannedStep, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    access: str = ""
    confirm: Confirm = Confirm.NONE
    recovery: Recovery = Recovery.UNDO
    notes: tuple[str, ...] = ()
    undo: str = ""
    disturbs: bool = True
    parts: tuple[str, ...] = ()
    takes_back: tuple[tuple[int, str], ...] = ()

    @property
    def rule(self) -> str:
        """The name of its access rule."""
        return self.access or self.runbook

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it."""
        return asdict(self) | {"steps": [asdict(step) for step in self.steps]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The reverse of `as_json`."""
        made = {
            "steps": tuple(PlannedStep(**step) for step in value["steps"]),
            "notes": tuple(value.get("notes", ())),
            "confirm": Confirm(value.get("confirm", Confirm.NONE)),
            "recovery": Recovery(value.get("recovery", Recovery.UNDO)),
            "parts": tuple(value.get("parts", ())),
            "takes_back": tuple((number, part) for number, part in value.get("takes_back", ())),
        }
        return cls(**(dict(value) | made))

    def with_texts(self, change: Callable[[str], str]) -> Plan:
        """The same plan with everything that people read of it changed; what runs is not."""
        steps = (
            replace(
                step,
                title=change(step.title),
                command=change(step.command),
                risk=change(step.risk),
                undo=change(step.undo),
                left_out=change(step.left_out),
            )
            for step in self.steps
        )
        return replace(
            self,
            title=change(self.title),
            steps=tuple(steps),
            notes=tuple(map(change, self.notes)),
            undo=change(self.undo),
        )

    def differences(self, other: Plan) -> list[str]:
        """What makes another plan a different one, in words: steps, commands and identities."""
        told = [
            f"{name}: {self.facts.get(name)} became {other.facts.get(name)}"
            for name in sorted({*self.facts, *other.facts})
            if _plain(self.facts.get(name)) != _plain(other.facts.get(name))
        ]
        ours, theirs = [_essence(s) for s in self.steps], [_essence(s) for s in other.steps]
        if ours != theirs:
            pairs = zip(self.steps, other.steps, strict=False)
            changed = [a.title for a, b in pairs if _essence(a) != _essence(b)]
            told.append(f"step: {changed[0]}" if changed else "the number of steps")
        if (self.runbook, self.target) != (other.runbook, other.target):
            told.append("the runbook or its target")
        return told


def _essence(step: PlannedStep) -> Any:
    """What a step does, without what is only said about it."""
    return _plain(
        [step.kind, step.title, step.arguments, step.command, step.always, bool(step.left_out)]
    )


def _plain(value: Any) -> Any:
    """A value as it is after its way through the database."""
    return json.loads(json.dumps(value))


Planner = Callable[[str, Mapping[str, Any]], Awaitable[Plan]]
"""Plans a runbook on a target from its parameters (JSON values): reads the world, changes nothing.

The plan's `parameters` make the same plan again. Raises OpsbellError where it cannot be done.
"""
