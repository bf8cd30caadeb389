"""The plan of a way back: what ran before a deploy runs again.

The code alone goes back unless a person asks for more: reversed migrations, or the database of
before in place of the one that was migrated.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import words
from bot.config.targets import ComposeTarget
from bot.deploys import deployment as kinds
from bot.deploys import planning
from bot.deploys.containers import image_id
from bot.deploys.looked import Looked, Settings
from bot.deploys.looking import require_clean, require_no_collision, require_room
from bot.deploys.migrations import applied, from_json
from bot.deploys.model import Migration, applied_since, reversal, short
from bot.deploys.planning import SafetyBackup
from bot.deploys.repository import Repository
from bot.errors import NotFound, Refused
from bot.operations.model import Operation
from bot.operations.plan import Confirm, Plan, PlannedStep, Recovery
from bot.runbooks.git import Head
from bot.runbooks.steps import git_step
from bot.targets.model import Target
from bot.words import Sign

RUNBOOK = "rollback"
MIGRATIONS, DATABASE = "migrations", "database"
"""What goes back beside the code, where a person chooses so."""

RestorePlan = Callable[[str, str], Awaitable[Plan]]
"""The plan that restores a target's database from a backup set."""


@dataclass(frozen=True)
class Past:
    """A deploy that was run: what ran before it, and what its steps told."""

    number: int
    ref: str
    before: str
    after: str
    migrations: tuple[Migration, ...] | None
    migrated: bool
    backup: str
    images: Mapping[str, Any]

    @classmethod
    def of(cls, operation: Operation) -> Past:
        """What is known of a deploy. Raises Refused for another operation, or one that did not
        begin to change anything."""
        facts, told = operation.plan.facts, {s.planned.kind: s.result for s in operation.steps}
        if operation.plan.runbook not in (planning.RUNBOOK, RUNBOOK):
            raise Refused(f"Operation {operation.id} is no deploy.", hint="See /deploy history.")
        kept = told.get(kinds.KEEP)
        if not kept:
            raise Refused(f"Deploy {operation.id} has changed nothing that could be taken back.")
        migrations = kept.get("migrations")
        return cls(
            operation.id,
            str(facts["ref"]),
            str(facts["from"]),
            str(facts["commit"]),
            None if migrations is None else tuple(from_json(migrations)),
            any(s.planned.kind == kinds.MIGRATE and s.started for s in operation.steps),
            str(told.get("backup.publish", {}).get("set", "")),
            kept.get("images") or {},
        )


async def plan(
    target: Target,
    settings: Settings,
    past: Past,
    parameters: Mapping[str, Any],
    *,
    backup: SafetyBackup,
    restore: RestorePlan,
) -> Plan:
    """The plan of a rollback. Raises what stands in its way."""
    with_ = str(parameters.get("with", ""))
    found = await _look(target, settings, past)
    now = await applied(target)
    since = applied_since(past.migrations or (), now or ()) if past.migrations is not None else ()
    code_is_back = found.head.commit == past.before
    # One that failed half way may have changed the database without counting as applied.
    half_way = with_ == DATABASE and past.migrated
    if with_ and past.migrations is not None and not since and not half_way:
        raise Refused(f"No migration was applied since deploy {past.number} began.")
    if code_is_back and not with_:
        hint = _offers(past.number) if since else ""
        raise Refused(f"{short(past.before)} runs already.", hint=hint)
    gone = await _images_gone(found, past)
    made = Plan(
        runbook=RUNBOOK,
        title=f"Rollback of deploy {past.number} of {target.name}",
        target=target.name,
        steps=(),
        facts={**planning.facts(found), "deploy": past.number},
        parameters={"deploy": past.number, "with": with_},
        access=planning.RUNBOOK,
        confirm=Confirm.ASK,
        recovery=Recovery.ASK,
        notes=tuple(_notes(past, found, since, with_, gone)),
        undo=f"/deploy {past.after[:12]}",
    )
    if with_ == DATABASE:
        return await _with_database(made, past, found, restore, gone)
    safety = planning.safety_backup(found, backup)
    back = _reversal(past, now) if with_ == MIGRATIONS else ()
    steps = _steps(found, past, back, gone)
    return replace(made, steps=tuple(planning.framed(found, safety, steps, {})))


async def _look(target: Target, settings: Settings, past: Past) -> Looked:
    repository = Repository(target, settings.deploy.remote)
    head = await repository.head()
    await require_clean(repository)
    if not await repository.has(past.before):
        raise NotFound(f"Commit {short(past.before)} is gone from the repository.")
    difference = await repository.between(head.commit, past.before)
    await require_no_collision(repository, difference)
    await require_room(repository, past.before)
    requirements = str(settings.deploy.requirements)
    has_requirements = await repository.has_file(past.before, requirements)
    ref = f"what ran before deploy {past.number}"
    return Looked(target, settings, ref, past.before, head, difference, True, has_requirements)


def _reversal(past: Past, now: Sequence[Migration] | None) -> tuple[Migration, ...]:
    if past.migrations is None or now is None:
        raise Refused(
            "Which migrations were applied is not known.",
            hint="Configure the target's database, so that it can be seen.",
        )
    return reversal(past.migrations, now)


def _steps(
    found: Looked, past: Past, back: Sequence[Migration], gone: list[str]
) -> list[PlannedStep]:
    """Migrations are reversed by the code that brought them, before it goes."""
    steps: list[PlannedStep] = []
    if back:
        if found.head.commit != past.after:
            there = git_step(found.settings.deploy.remote, past.ref, past.after, found.head)
            steps += [there, planning.build_step(found)]
        steps += [_reverse(found, past, each) for each in back]
    head = found.head
    if back and head.commit != past.after:
        head = Head(past.after, "")
    steps.append(git_step(found.settings.deploy.remote, short(past.before), past.before, head))
    steps.append(_images(found, past, gone))
    static = ("collectstatic", "--noinput")
    steps.append(
        planning.manage_step(found, "Static files", *static, leave="static", kind=kinds.STATIC)
    )
    return steps


def _reverse(found: Looked, past: Past, to: Migration) -> PlannedStep:
    """An app's way back to a migration, which a failure later on goes forward again: unless what
    runs now is the code of before, which does not have what is reversed."""
    forward = found.head.commit != past.before
    step = planning.manage_step(
        found, f"Back to {to}", "migrate", to.app, to.name, leave="", kind=kinds.REVERSE
    )
    return replace(
        step,
        arguments={**step.arguments, "forward": forward},
        risk="What the migrations added is dropped with its data.",
        undo=f"migrate {to.app} forward again, without the data" if forward else "",
    )


async def _images_gone(found: Looked, past: Past) -> list[str]:
    """The services whose images of before Docker no longer has."""
    wanted = past.images if isinstance(found.settings, ComposeTarget) else {}
    return [
        service
        for service, each in sorted(wanted.items())
        if await image_id(found.target, each["image"]) is None
    ]


def _images(found: Looked, past: Past, gone: list[str]) -> PlannedStep:
    """The images of before where all are kept; else they are built."""
    if not isinstance(found.settings, ComposeTarget) or not past.images or gone:
        return planning.build_step(found)
    return PlannedStep(
        kinds.IMAGES,
        "Images of before",
        {"images": dict(past.images)},
        command="; ".join(
            shlex.join(("docker", "tag", each["image"][:19], each["reference"]))
            for each in past.images.values()
        ),
        undo="give the images that ran their names again",
        limit=600.0,
        repeatable=True,
    )


async def _with_database(
    made: Plan, past: Past, found: Looked, restore: RestorePlan, gone: list[str]
) -> Plan:
    """The restore of the safety backup; where the code is not back yet, around its swap."""
    if not past.backup:
        raise Refused(f"Deploy {past.number} took no backup of the database.")
    other = await restore(made.target, past.backup)
    facts = {**made.facts, **other.facts}
    notes = (*made.notes, *other.notes)
    if found.head.commit == past.before:
        steps = other.steps
    else:
        # All that takes long happens beside the live database, before visitors are kept out.
        before = [each for each in other.steps if each.kind != "restore.swap"]
        swap = [each for each in other.steps if each.kind == "restore.swap"]
        framed = planning.framed(found, before, [*_steps(found, past, (), gone), *swap], {})
        steps = tuple(framed)
    return replace(made, steps=steps, facts=facts, notes=notes, confirm=Confirm.NAME)


def _notes(
    past: Past, found: Looked, since: Sequence[Migration], with_: str, gone: list[str]
) -> list[str]:
    told = [f"{short(found.head.commit)} → {short(past.before)}"]
    told += [f"goes: {each.id} {each.subject} ({each.author})" for each in found.difference.lost]
    if gone:
        told.append(f"{Sign.WARNING} The image of {words.join(gone)} is gone from Docker.")
    if since:
        named = ", ".join(map(str, since[:10]))
        count = words.count(len(since), "migration")
        told.append(f"{Sign.WARNING} {count} applied since: {named}.")
        if not with_:
            told.append(f"The database stays migrated. {_offers(past.number)}")
    return told


def _offers(number: int) -> str:
    return (
        f"/deploy rollback {number} --migrations reverses them, /deploy rollback {number}"
        " --database brings back the database of before."
    )
