"""Configured runbooks as people see them: the list, and the window that asks for parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.config.runbooks import Param, Runbook
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import count

FORM = "runbook.parameters"
_SHOWN = 40


def form_of(name: str) -> str:
    """The name of the form that asks for a runbook's parameters."""
    return f"{FORM}.{name}"


def listing(runbooks: Mapping[str, Runbook], typed: str) -> Message:
    """All runbooks, one line each; `typed` is how the command is typed."""
    if not runbooks:
        said = "There are no runbooks. Add some under runbooks in opsbell.yaml."
        return Message(said, [blocks.section(said)])
    lines = [
        f"`{usage(name, runbook, typed)}`  {blocks.escape(runbook.title)},"
        f" {count(len(runbook.steps), 'step')}, needs the role {runbook.role}"
        for name, runbook in runbooks.items()
    ]
    shown: list[Block] = [
        blocks.section("\n".join(lines[start : start + 10]))
        for start in range(0, min(len(lines), _SHOWN), 10)
    ]
    if len(lines) > _SHOWN:
        shown.append(blocks.context(f"and {len(lines) - _SHOWN} more in opsbell.yaml"))
    shown.append(blocks.context(f"`{typed} plan NAME` shows what one would do."))
    return Message(f"There are {count(len(runbooks), 'runbook')}.", shown)


def usage(name: str, runbook: Runbook, typed: str) -> str:
    """How a runbook is asked for: parameters that have a default in brackets."""
    parameters = [
        f"{key}=…" if param.default is None else f"[{key}={param.default}]"
        for key, param in runbook.params.items()
    ]
    return " ".join([typed, name, *parameters])


def as_data(runbooks: Mapping[str, Runbook]) -> list[dict[str, Any]]:
    """The list for scripts."""
    return [
        {
            "name": name,
            "title": runbook.title,
            "target": runbook.target,
            "role": runbook.role,
            "parameters": {key: param.model_dump() for key, param in runbook.params.items()},
            "steps": [step.title or step.kind for step in runbook.steps],
        }
        for name, runbook in runbooks.items()
    ]


def asking(
    name: str, runbook: Runbook, target: str, given: Mapping[str, str], metadata: str
) -> dict[str, Any]:
    """The window that asks for a runbook's parameters, with what is known of them filled in."""
    fields = [
        blocks.field(
            (param.title or key)[:150],
            _input(key, param, given.get(key, param.default or "")),
            block_id=key,
            hint=_hint(param),
        )
        for key, param in runbook.params.items()
    ]
    head = blocks.section(f"*{blocks.escape(runbook.title)}* on {blocks.escape(target)}")
    return blocks.modal(
        f"{form_of(name)}:{target}",
        "Runbook",
        [head, *fields],
        submit="Show the plan",
        close="Not now",
        metadata=metadata,
    )


def _input(key: str, param: Param, value: str) -> Block:
    choices = ("true", "false") if param.type == "boolean" else param.choices
    if not choices:
        return blocks.text_input(key, initial=value)
    options = {each: blocks.choice(each[:75], each) for each in choices}
    return blocks.select(key, "Choose", list(options.values()), options.get(value))


def _hint(param: Param) -> str:
    if param.type == "integer":
        return "A whole number."
    return f"It has to match {param.pattern}."[:150] if param.pattern else ""
