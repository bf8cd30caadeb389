"""The plan of a way back: what ran before a deploy runs again.

The code alone goes back unless a person asks for more: reversed migrations, or the database of
before in place of the one that was migrated.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import words
from bot.config.targets import ComposeTarget
from bot.deploys import deployment as kinds
from bot.deploys import planning, reversal
from bot.deploys.containers import image_id
from bot.deploys.counting import Pending
from bot.deploys.looked import Looked, Settings
from bot.deploys.looking import require_clean, require_no_collision, require_room
from bot.deploys.migrations import applied
from bot.deploys.model import Migration, applied_since, first_of, short
from bot.deploys.past import ROLLBACK, Past
from bot.deploys.planning import SafetyBackup
from bot.deploys.repository import Repository
from bot.deploys.reversal import Reversal
from bot.errors import NotFound, Refused
from bot.operations.plan import Confirm, Plan, PlannedStep, Recovery
from bot.restores.model import ACCESS as RESTORE
from bot.runbooks.steps import git_step
from bot.targets.model import Target
from bot.words import Sign

RUNBOOK = ROLLBACK
MIGRATIONS, DATABASE = "migrations", "database"
"""What goes back beside the code, where a person chooses so."""

RestorePlan = Callable[[str, str], Awaitable[Plan]]
"""The plan that restores a target's database from a backup set."""


def rule_of(parameters: Mapping[str, Any]) -> str:
    """The access rule that a rollback is under: to bring back the database of before is a restore,
    and takes no role beside."""
    return RESTORE if parameters.get("with") == DATABASE else planning.RUNBOOK


async def plan(
    target: Target,
    settings: Settings,
    past: Past,
    parameters: Mapping[str, Any],
    *,
    later: Sequence[Past] = (),
    backup: SafetyBackup,
    restore: RestorePlan,
) -> Plan:
    """The plan of a rollback; `later` are the deploys since, the newest first. Raises what stands
    in its way."""
    with_ = str(parameters.get("with", ""))
    repository = Repository(target, settings.deploy.remote)
    found = await _look(target, settings, past, repository, with_)
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
    wanted = None
    if with_ == MIGRATIONS:
        wanted = await reversal.find(repository, found, past, later, now)
    gone = await _images_gone(found, past)
    made = Plan(
        runbook=RUNBOOK,
        title=f"Rollback of deploy {past.number} of {target.name}",
        target=target.name,
        steps=(),
        facts={**planning.facts(found), "deploy": past.number},
        parameters={"deploy": past.number, "with": with_},
        access=rule_of(parameters),
        confirm=Confirm.ASK,
        recovery=Recovery.ASK,
        notes=tuple(_notes(past, found, since, wanted, with_, gone)),
        undo=f"/deploy {past.after[:12]}",
        takes_back=_taken_back(past, () if code_is_back else later),
    )
    if with_ == DATABASE:
        return await _with_database(made, past, found, restore, gone)
    safety = planning.safety_backup(found, backup)
    steps = _steps(found, past, wanted, gone)
    return replace(made, steps=tuple(planning.framed(found, safety, steps, {})))


def _taken_back(past: Past, later: Sequence[Past]) -> tuple[tuple[int, str], ...]:
    """The deploy itself, and with it all that has brought something else since."""
    return ((past.number, ""), *((each.number, "") for each in later if each.stands))


async def _look(
    target: Target, settings: Settings, past: Past, repository: Repository, with_: str
) -> Looked:
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
    return Looked(
        target,
        settings,
        ref,
        past.before,
        head,
        difference,
        Pending(()),
        True,
        has_requirements,
        # The code that goes must not meet a database without what it brought, nor visitors one
        # whose tables go or are exchanged.
        closed=bool(with_ or difference.migrations),
    )


def _steps(
    found: Looked, past: Past, wanted: Reversal | None, gone: list[str]
) -> list[PlannedStep]:
    """Migrations are reversed before the code goes that has them."""
    steps = reversal.steps(found, wanted) if wanted else []
    head = reversal.head_after(found, wanted) if wanted else found.head
    steps.append(git_step(found.settings.deploy.remote, short(past.before), past.before, head))
    steps.append(_images(found, past, gone))
    static = ("collectstatic", "--noinput")
    steps.append(
        planning.manage_step(found, "Static files", *static, leave="static", kind=kinds.STATIC)
    )
    return steps


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
    try:
        other = await restore(made.target, past.backup)
    except NotFound as error:
        raise Refused(
            f"The backup {past.backup}, of before deploy {past.number}, is there no more.",
            hint="/backup list has those that are; /restore ID database brings one back.",
        ) from error
    facts = {**made.facts, **other.facts}
    notes = (*made.notes, *other.notes)
    if found.head.commit == past.before:
        steps = other.steps
    else:
        # All that takes long happens beside the live database, before visitors are kept out.
        before = [each for each in other.steps if each.kind != "restore.swap"]
        swap = [each for each in other.steps if each.kind == "restore.swap"]
        framed = planning.framed(found, before, [*_steps(found, past, None, gone), *swap], {})
        steps = tuple(framed)
    return replace(made, steps=steps, facts=facts, notes=notes, confirm=Confirm.NAME)


def _notes(
    past: Past,
    found: Looked,
    since: Sequence[Migration],
    wanted: Reversal | None,
    with_: str,
    gone: list[str],
) -> list[str]:
    told = [f"{short(found.head.commit)} → {short(past.before)}"]
    told += [f"goes: {each.id} {each.subject} ({each.author})" for each in found.difference.lost]
    if gone:
        told.append(f"{Sign.WARNING} The image of {words.join(gone)} is gone from Docker.")
    if since:
        count = words.count(len(since), "migration")
        told.append(f"{Sign.WARNING} {count} applied since: {first_of(since)}.")
        if not with_:
            told.append(f"The database stays migrated. {_offers(past.number)}")
    if wanted and (by := reversal.note(found, wanted)):
        told.append(by)
    return told


def _offers(number: int) -> str:
    return (
        f"/deploy rollback {number} --migrations reverses them, /deploy rollback {number}"
        " --database brings back the database of before."
    )
