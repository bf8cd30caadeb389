"""The planned steps of each kind, with the command as a person would type it.

`undo` are the steps that take one back where it is undone. Whoever plans sets `title`, `limit` and
the like with `dataclasses.replace`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.operations.plan import PlannedStep
from bot.runbooks.git import Head
from bot.runbooks.kinds_command import compose_argv, program_of
from bot.runbooks.kinds_git import SHORT
from bot.runbooks.kinds_wait import ANY_2XX
from bot.runbooks.undoing import UNDO, as_argument
from bot.targets.model import Target
from bot.words import count, duration, join

REPEATABLE = frozenset({"http", "wait_healthy", "compose", "git", "note", "approval"})
"""The kinds that may run twice, whatever they are given."""

_TITLE_LENGTH = 60


def run_step(
    target: Target, service: str, command: Sequence[str], *, on_host: bool = False
) -> PlannedStep:
    """A command in a service; `on_host` for a target whose services run on this machine."""
    inside = () if on_host else (*target.compose("exec", "-T", service),)
    return PlannedStep(
        "run",
        _short(target.redact(f"{program_of(command)} in {service}")),
        {"service": service, "command": list(command)},
        command=target.redact(shlex.join([*_plainly(inside), *command])),
        risk=f"It runs in the live {service}.",
    )


def host_step(target: Target, command: Sequence[str]) -> PlannedStep:
    """A command in the target's directory on this machine."""
    return PlannedStep(
        "host",
        _short(target.redact(program_of(command))),
        {"command": list(command)},
        command=target.redact(f"cd {target.directory()} && {shlex.join(command)}"),
        risk="It runs on this machine.",
    )


def sql_step(
    target: Target, text: str, variables: Mapping[str, str], *, undone: bool = False
) -> PlannedStep:
    """Statements for the target's database; see `bot.runbooks.sql_text`. `undone` where other
    steps take back what they change."""
    place = target.database()
    values = [f"--set={name}={value}" for name, value in variables.items()]
    return PlannedStep(
        "sql",
        _short(" ".join(target.redact(text).split())),
        {"text": text, "variables": dict(variables)},
        command=target.redact(shlex.join(["psql", *values, place.name, "-c", text])),
        risk="It runs in the live database"
        + ("." if undone else "; what it changes is not taken back."),
    )


def http_step(
    url: str, within: timedelta, *, expect: int | str = ANY_2XX, contains: str = ""
) -> PlannedStep:
    """Waits until a URL answers as expected; `expect` is a status or ANY_2XX."""
    text = f" and “{contains}”" if contains else ""
    return PlannedStep(
        "http",
        "Answers",
        {
            "url": url,
            "expect": expect,
            "contains": contains,
            "within": within.total_seconds(),
        },
        command=f"GET {url} until {expect}{text}, for at most {duration(within)}",
    )


def wait_healthy_step(services: Sequence[str], within: timedelta) -> PlannedStep:
    """Waits until the containers of services are healthy; all of them where none is named."""
    whose = join([*services]) if services else "all services"
    return PlannedStep(
        "wait_healthy",
        "Healthy",
        {"services": list(services), "within": within.total_seconds()},
        command=f"wait until {whose} are healthy, for at most {duration(within)}",
    )


def compose_step(target: Target, action: str, services: Sequence[str] = ()) -> PlannedStep:
    """One of Compose's commands: build, pull, up, restart. Raises Refused for other targets."""
    risks = {
        "up": "Services whose image or configuration changed are started anew.",
        "restart": "The services are away while they restart.",
    }
    return PlannedStep(
        "compose",
        " ".join([action.capitalize(), *services]),
        {"action": action, "services": list(services)},
        command=shlex.join(_plainly(compose_argv(target, action, services))),
        risk=risks.get(action, ""),
    )


def git_step(remote: str, ref: str, commit: str, now: Head) -> PlannedStep:
    """Fetches and checks out a commit; `now` is what is checked out and comes back on undo."""
    arguments: Mapping[str, Any] = {
        "remote": remote,
        "ref": ref,
        "commit": commit,
        "previous": now.commit,
        "branch": now.branch,
    }
    return PlannedStep(
        "git",
        f"Check out {ref}" if ref != commit else f"Check out {commit[:SHORT]}",
        arguments,
        command=f"git fetch {shlex.quote(remote)} && git checkout --detach {commit}",
        undo=f"git checkout {now.branch or now.commit}",
        risk="The files of the application change.",
    )


def approval_step(role: str, number: int, text: str = "") -> PlannedStep:
    """Waits until so many people of a role, other than who asked, have approved. The text is shown:
    give it without secrets."""
    return PlannedStep(
        "approval",
        f"Approval by {role}",
        {"role": role, "count": number, "text": text},
        command=f"wait for {count(number, 'approval')} of {role}{f': {text}' if text else ''}",
    )


def note_step(text: str) -> PlannedStep:
    """Tells people something, which is shown: give it without secrets."""
    return PlannedStep("note", "Note", {"text": text}, command=text)


def undone_by(step: PlannedStep, undo: Sequence[PlannedStep]) -> PlannedStep:
    """A step that other steps take back."""
    if not undo:
        return step
    arguments = {**step.arguments, UNDO: [as_argument(each) for each in undo]}
    told = "; ".join(filter(None, (step.undo, *(each.command for each in undo))))
    return PlannedStep(
        step.kind, step.title, arguments, command=step.command, risk=step.risk, undo=told
    )


def _plainly(argv: Sequence[str]) -> list[str]:
    """Compose's command without what only makes its output plain."""
    noise = ("--ansi", "never", "--progress", "plain")
    return [word for word in argv if word not in noise]


def _short(text: str) -> str:
    """Give it without secrets: half of one is not recognised any more."""
    return text if len(text) <= _TITLE_LENGTH else f"{text[: _TITLE_LENGTH - 2]} …"
