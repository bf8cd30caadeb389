"""The plan of a deploy: what a ref means, what comes with it, and the steps to it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import words
from bot.config.targets import ComposeTarget, HostTarget
from bot.deploys import compose
from bot.deploys import deployment as kinds
from bot.deploys.host import restarts
from bot.deploys.looked import Looked
from bot.deploys.model import short
from bot.deploys.notes import notes
from bot.deploys.past import DEPLOY
from bot.errors import Refused
from bot.maintenance.steps import off_step, on_step
from bot.operations.plan import Confirm, Plan, PlannedStep, Recovery
from bot.runbooks.planning import Planned
from bot.runbooks.steps import git_step
from bot.words import duration

RUNBOOK = DEPLOY
_BY_CONFIGURATION = "by the configuration"
_HOUR = 3600.0

SafetyBackup = Callable[[str], Sequence[PlannedStep]]
"""The steps that back up a target's database. Raises Refused where its backups are not set up."""

Added = Mapping[str, Planned]
"""The steps of configured runbooks, by the step after which they run."""


def plan(looked: Looked, parameters: Mapping[str, Any], backup: SafetyBackup, added: Added) -> Plan:
    """The plan of what was looked at."""
    name = looked.target.name
    pinned = {"ref": looked.ref, "commit": looked.commit, "force": bool(parameters.get("force"))}
    safety = safety_backup(looked, backup)
    return Plan(
        runbook=RUNBOOK,
        title=f"Deploy of {looked.ref} to {name}",
        target=name,
        steps=tuple(_steps(looked, safety, added)),
        facts=facts(looked) | _more_facts(added),
        parameters=pinned,
        confirm=Confirm.ASK,
        recovery=Recovery.ASK,
        notes=tuple(notes(looked, safety)),
        undo="/deploy rollback, which brings back what runs now",
    )


def facts(looked: Looked) -> dict[str, Any]:
    """The identities that the steps share."""
    return {
        "ref": looked.ref,
        "commit": looked.commit,
        "from": looked.head.commit,
        "branch": looked.head.branch,
        "include": ["database"],
    }


def _more_facts(added: Added) -> dict[str, Any]:
    """What the added steps rest on. Raises Refused where one would take another backup."""
    found: dict[str, Any] = {}
    for planned in added.values():
        found |= planned.facts
    if "include" in found:
        raise Refused("A runbook that is added to a deploy takes no backup: the deploy does.")
    return found


def safety_backup(looked: Looked, backup: SafetyBackup) -> list[PlannedStep]:
    absent = PlannedStep("backup.check", "Safety backup")
    if "backup" in looked.settings.deploy.leave_out:
        return [replace(absent, left_out=_BY_CONFIGURATION)]
    if looked.settings.database is None:
        return [replace(absent, left_out="no database is configured")]
    try:
        return list(backup(looked.target.name))
    except Refused as error:
        return [replace(absent, left_out=error.message)]


def _steps(looked: Looked, safety: Sequence[PlannedStep], added: Added) -> list[PlannedStep]:
    """All steps in their order. The tests come before the migrations, so that a release which
    fails them has not touched the database."""
    named = [
        (
            "checkout",
            git_step(looked.settings.deploy.remote, looked.ref, looked.commit, looked.head),
        ),
        ("build", build_step(looked)),
        ("tests", manage_step(looked, "Tests", "test", "--noinput", leave="tests")),
        ("migrate", manage_step(looked, "Migrate", "migrate", leave="migrate", kind=kinds.MIGRATE)),
        (
            "static",
            manage_step(
                looked,
                "Static files",
                "collectstatic",
                "--noinput",
                leave="static",
                kind=kinds.STATIC,
            ),
        ),
    ]
    steps = [each for key, step in named for each in (step, *after(added, key))]
    return framed(looked, safety, steps, added)


def after(added: Added, key: str) -> Sequence[PlannedStep]:
    """The steps that the configuration adds after one of these."""
    return added[key].steps if key in added else ()


def framed(
    looked: Looked,
    safety: Sequence[PlannedStep],
    steps: Sequence[PlannedStep],
    added: Added,
) -> list[PlannedStep]:
    """What goes before and after the steps that bring a revision to the place where it runs."""
    settings, name = looked.settings, looked.target.name
    closed = _maintenance_left_out(looked)
    on, off = on_step(name, settings, f"deploy of {looked.ref}"), off_step(name, settings)
    is_closed = not (closed or on.left_out)
    return [
        _check(looked),
        *safety,
        replace(on, left_out=on.left_out or closed),
        _keep(looked),
        *steps,
        _switch(looked),
        *after(added, "switch"),
        _healthy(looked, closed=is_closed),
        *after(added, "healthy"),
        replace(off, left_out=off.left_out or closed),
        *([_healthy(looked, closed=False)] if is_closed else []),
        _watch(looked),
    ]


def _maintenance_left_out(looked: Looked) -> str:
    if "maintenance" in looked.settings.deploy.leave_out:
        return _BY_CONFIGURATION
    return "" if looked.maintenance else "no migration needs it"


def _check(looked: Looked) -> PlannedStep:
    return PlannedStep(kinds.CHECK, "Check", command="git status; df", limit=600.0, repeatable=True)


def _keep(looked: Looked) -> PlannedStep:
    command = f"keep {short(looked.head.commit)} and the list of applied migrations"
    undo = f"start {short(looked.head.commit)} again and wait until it is healthy"
    return PlannedStep(
        kinds.KEEP, "Keep the way back", command=command, undo=undo, limit=600.0, repeatable=True
    )


def build_step(looked: Looked) -> PlannedStep:
    settings, left_out = looked.settings, _left_out(looked, "build")
    if isinstance(settings, ComposeTarget):
        return PlannedStep(
            kinds.BUILD,
            "Build",
            command=_compose(*compose.build_arguments(settings.deploy.services)),
            undo="give the images of before their names again",
            limit=2 * _HOUR,
            repeatable=True,
            left_out=left_out,
        )
    requirements = str(settings.deploy.requirements)
    if not left_out and not looked.has_requirements:
        left_out = f"there is no {requirements}"
    return PlannedStep(
        kinds.INSTALL,
        "Install requirements",
        command=shlex.join(
            (settings.deploy.manage[0], "-m", "pip", "install", "--upgrade", "-r", requirements)
        ),
        risk="Packages change beside the running application.",
        undo="install the packages of before",
        limit=_HOUR,
        repeatable=True,
        left_out=left_out,
    )


def _compose(*words: str) -> str:
    return shlex.join(("docker", "compose", *words))


def manage_step(
    looked: Looked, title: str, *command: str, leave: str, kind: str = kinds.MANAGE
) -> PlannedStep:
    left_out = _left_out(looked, leave)
    if not left_out and not looked.has_manage:
        left_out = "there is no manage.py"
    risk = ""
    if kind == kinds.MIGRATE and looked.pending.paths:
        count = words.count(len(looked.pending.paths), "migration")
        risk = f"{count}: the database changes, and stays changed where a later step fails."
    return PlannedStep(
        kind,
        title,
        {"command": list(command)},
        command=_managed(looked, command),
        risk=risk,
        limit=_HOUR,
        repeatable=True,
        left_out=left_out,
    )


def _managed(looked: Looked, command: Sequence[str]) -> str:
    """One of Django's commands as a person would type it."""
    choices = looked.settings.deploy
    if isinstance(looked.settings, HostTarget):
        return shlex.join((*choices.manage, *command))
    managed = (*choices.manage, *command)
    return _compose(*compose.run_arguments(choices.service, managed))


def _switch(looked: Looked) -> PlannedStep:
    settings = looked.settings
    if isinstance(settings, HostTarget):
        services = settings.deploy.services or tuple(settings.services)
        command = " && ".join(shlex.join(argv) for _, argv in restarts(settings, services))
        risk = "The application is away while it restarts."
        title, left_out = "Restart", "" if services else "no service is configured"
    else:
        title, left_out = "Up", ""
        command = _compose(*compose.up_arguments(settings.deploy.services))
        risk = "Services whose image or configuration changed are started anew."
        if looked.rolling:
            command = f"{command}, new containers beside the old ones until they are healthy"
            risk = "For a moment the old and the new release both answer."
    return PlannedStep(
        kinds.SWITCH,
        title,
        {"rolling": looked.rolling},
        command=command,
        risk=risk,
        undo="start what ran before",
        limit=_HOUR,
        repeatable=True,
        left_out=left_out,
    )


def _healthy(looked: Looked, *, closed: bool) -> PlannedStep:
    health = looked.settings.health
    told = ["wait until the containers are healthy"] if _in_containers(looked) else []
    if health:
        told.append(f"GET {health.url} until 2xx, for at most {duration(health.within)}")
    return PlannedStep(
        kinds.HEALTHY,
        "Healthy" if closed or not looked.maintenance else "Healthy for visitors",
        {"closed": closed},
        command=", ".join(told),
        repeatable=True,
        left_out="" if told else "no health URL is configured",
    )


def _in_containers(looked: Looked) -> bool:
    return isinstance(looked.settings, ComposeTarget)


def _watch(looked: Looked) -> PlannedStep:
    choices = looked.settings.deploy
    seconds = choices.watch.total_seconds()
    left_out = _left_out(looked, "watch") or ("" if seconds else _BY_CONFIGURATION)
    return PlannedStep(
        kinds.WATCH,
        "Watch",
        {"seconds": seconds},
        command=f"look at health and logs for {duration(choices.watch)}",
        risk="Where health is lost, the deploy is taken back; new errors only alarm.",
        repeatable=True,
        left_out=left_out,
    )


def _left_out(looked: Looked, name: str) -> str:
    return _BY_CONFIGURATION if name in looked.settings.deploy.leave_out else ""
