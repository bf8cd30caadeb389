"""The plan of a deploy: what a ref means, what comes with it, and the steps to it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import words
from bot.config.targets import ComposeTarget, HostTarget
from bot.deploys import deployment as kinds
from bot.deploys.host import restarts
from bot.deploys.looking import require_clean, require_no_collision, require_room, ways_apart
from bot.deploys.model import Difference, checked_ref, short
from bot.deploys.repository import Repository
from bot.errors import OpsbellError, Refused
from bot.maintenance.steps import off_step, on_step
from bot.operations.model import Confirm, Plan, PlannedStep, Recovery
from bot.runbooks.git import Head
from bot.runbooks.steps import git_step
from bot.targets.model import Target
from bot.words import Sign, duration

RUNBOOK = "deploy"
_BY_CONFIGURATION = "left out by the configuration"
_HOUR = 3600.0

Settings = ComposeTarget | HostTarget
SafetyBackup = Callable[[str], Sequence[PlannedStep]]
"""The steps that back up a target's database. Raises Refused where its backups are not set up."""

Added = Mapping[str, Sequence[PlannedStep]]
"""The steps of configured runbooks, by the step after which they run."""


@dataclass(frozen=True)
class Looked:
    """What planning has found."""

    target: Target
    settings: Settings
    ref: str
    commit: str
    head: Head
    difference: Difference
    has_manage: bool
    has_requirements: bool

    @property
    def maintenance(self) -> bool:
        """Whether visitors are kept out: always, or only for migrations."""
        return bool(not self.settings.deploy.zero_downtime or self.difference.migrations)


async def look(target: Target, settings: Settings, parameters: Mapping[str, Any]) -> Looked:
    """Finds out what a deploy would do. Fetches objects, and changes nothing else.

    Raises UsageError, NotFound, Refused, Failed and Unavailable for all that stands in its way.
    """
    choices = settings.deploy
    ref = checked_ref(parameters.get("ref") or choices.ref)
    repository = Repository(target, choices.remote)
    head = await repository.head()
    await require_clean(repository)
    await repository.fetch()
    commit = parameters.get("commit") or await repository.resolve(ref)
    if not await repository.holds(ref, commit):
        raise Refused(
            f"{ref} no longer names commit {short(commit)}, nor one that builds upon it.",
            hint="Ask for a new plan.",
        )
    difference = await repository.between(head.commit, commit)
    apart = ways_apart(head.commit, ref, difference)
    if apart and not parameters.get("force"):
        raise Refused(f"Nothing was changed: {apart}", hint=_way_on(ref, difference))
    await require_no_collision(repository, difference)
    await require_room(repository, commit)
    return Looked(
        target,
        settings,
        ref,
        commit,
        head,
        difference,
        await repository.has_file(commit, "manage.py"),
        await repository.has_file(commit, str(choices.requirements)),
    )


def _way_on(ref: str, difference: Difference) -> str:
    if not difference.total:
        return f"/deploy rollback goes back; /deploy {ref} --force deploys it all the same."
    return f"Bring the two together, or deploy it all the same with /deploy {ref} --force."


def plan(looked: Looked, parameters: Mapping[str, Any], backup: SafetyBackup, added: Added) -> Plan:
    """The plan of what was looked at."""
    name = looked.target.name
    pinned = {"ref": looked.ref, "commit": looked.commit, "force": bool(parameters.get("force"))}
    safety = _safety(looked, backup)
    return Plan(
        runbook=RUNBOOK,
        title=f"Deploy of {looked.ref} to {name}",
        target=name,
        steps=tuple(_steps(looked, safety, added)),
        facts={
            "ref": looked.ref,
            "commit": looked.commit,
            "from": looked.head.commit,
            "branch": looked.head.branch,
            "include": ["database"],
        },
        parameters=pinned,
        confirm=Confirm.ASK,
        recovery=Recovery.ASK,
        notes=tuple(notes(looked, safety)),
        undo="/deploy rollback, which brings back what runs now",
    )


def notes(looked: Looked, safety: Sequence[PlannedStep]) -> list[str]:
    """What people should know: the commits, the migrations, and what that means for a way back."""
    difference = looked.difference
    told = []
    if apart := ways_apart(looked.head.commit, looked.ref, difference):
        told.append(f"{Sign.WARNING} {apart}")
    if not difference.total and not difference.lost:
        told.append(f"{short(looked.commit)} runs already: it is built and started once more.")
    else:
        count = words.count(difference.total, "commit")
        told.append(f"{count} since {short(looked.head.commit)}:")
    told += [f"{each.id} {each.subject} ({each.author})" for each in difference.commits]
    if (more := difference.total - len(difference.commits)) > 0:
        told.append(f"and {more} older")
    if migrations := difference.migrations:
        signs = {"A": "new", "D": "removed"}
        count = words.count(len(migrations), "migration")
        told.append(f"{Sign.WARNING} {count} in them:")
        told += [f"{each.path} ({signs.get(each.status, 'changed')})" for each in migrations]
        told.append(_after_migrations(any(not each.left_out for each in safety)))
    return told


def _after_migrations(backed_up: bool) -> str:
    said = (
        "Where this fails after them, the code goes back by itself and the database stays"
        " migrated. A person can then reverse the migrations (/deploy rollback ID --migrations)"
    )
    if backed_up:
        said += " or swap the database of before back in (/deploy rollback ID --database), which"
        return f"{said} loses what was written since."
    return f"{said}. There is no backup of before to go back to."


def _safety(looked: Looked, backup: SafetyBackup) -> list[PlannedStep]:
    absent = PlannedStep("backup.check", "Safety backup")
    if "backup" in looked.settings.deploy.leave_out:
        return [replace(absent, left_out=_BY_CONFIGURATION)]
    if looked.settings.database is None:
        return [replace(absent, left_out="no database is configured")]
    try:
        return list(backup(looked.target.name))
    except OpsbellError as error:
        return [replace(absent, left_out=error.message)]


def _steps(looked: Looked, safety: Sequence[PlannedStep], added: Added) -> list[PlannedStep]:
    """All steps in their order."""
    settings, name = looked.settings, looked.target.name
    closed = _maintenance_left_out(looked)
    on, off = on_step(name, settings, f"deploy of {looked.ref}"), off_step(name, settings)
    is_closed = not (closed or on.left_out)
    named = [
        ("checkout", git_step(settings.deploy.remote, looked.ref, looked.commit, looked.head)),
        ("build", _build(looked)),
        ("tests", _manage(looked, "Tests", "test", "--noinput", leave="tests")),
        ("migrate", _manage(looked, "Migrate", "migrate", leave="migrate", kind=kinds.MIGRATE)),
        (
            "static",
            _manage(
                looked,
                "Static files",
                "collectstatic",
                "--noinput",
                leave="static",
                kind=kinds.STATIC,
            ),
        ),
        ("switch", _switch(looked)),
        ("healthy", _healthy(looked, closed=is_closed)),
    ]
    return [
        _check(looked),
        *safety,
        replace(on, left_out=on.left_out or closed),
        _keep(looked),
        *(each for key, step in named for each in (step, *added.get(key, ()))),
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


def _build(looked: Looked) -> PlannedStep:
    settings = looked.settings
    left_out = _left_out(looked, "build")
    requirements = str(settings.deploy.requirements)
    program = settings.deploy.manage[0]
    pip = (program, "-m", "pip", "install", "--upgrade", "-r", requirements)
    if not left_out and not looked.has_requirements:
        left_out = f"there is no {requirements}"
    return PlannedStep(
        kinds.INSTALL,
        "Install requirements",
        command=shlex.join(pip),
        risk="Packages change beside the running application.",
        undo="install the packages of before",
        limit=_HOUR,
        repeatable=True,
        left_out=left_out,
    )


def _manage(
    looked: Looked, title: str, *command: str, leave: str, kind: str = kinds.MANAGE
) -> PlannedStep:
    left_out = _left_out(looked, leave)
    if not left_out and not looked.has_manage:
        left_out = "there is no manage.py"
    risk = ""
    if kind == kinds.MIGRATE and looked.difference.migrations:
        count = words.count(len(looked.difference.migrations), "migration")
        risk = f"{count}: the database changes, and stays changed where a later step fails."
    return PlannedStep(
        kind,
        title,
        {"command": list(command)},
        command=shlex.join((*looked.settings.deploy.manage, *command)),
        risk=risk,
        limit=_HOUR,
        repeatable=True,
        left_out=left_out,
    )


def _switch(looked: Looked) -> PlannedStep:
    settings = looked.settings
    if not isinstance(settings, HostTarget):
        raise Refused("Not yet.")
    services = settings.deploy.services or tuple(settings.services)
    commands = [shlex.join(argv) for _, argv in restarts(settings, services)]
    return PlannedStep(
        kinds.SWITCH,
        "Restart",
        command=" && ".join(commands),
        risk="The application is away while it restarts.",
        undo="restart what ran before",
        limit=600.0,
        left_out="" if services else "no service is configured",
    )


def _healthy(looked: Looked, *, closed: bool) -> PlannedStep:
    health = looked.settings.health
    command = f"GET {health.url} until 2xx, for at most {duration(health.within)}" if health else ""
    return PlannedStep(
        kinds.HEALTHY,
        "Healthy" if closed or not looked.maintenance else "Healthy for visitors",
        {"closed": closed},
        command=command,
        repeatable=True,
        left_out="" if health else "no health URL is configured",
    )


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
