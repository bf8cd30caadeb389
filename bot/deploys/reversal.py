"""The part of a rollback's plan that reverses migrations: how far, and by which code.

A migration is reversed by code that has it: by code without it, Django takes back those which that
code knows and leaves the others standing on nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot import words
from bot.deploys import deployment as kinds
from bot.deploys import planning
from bot.deploys.counting import has, holding
from bot.deploys.looked import Looked
from bot.deploys.model import Migration, applied_since, first_of, reversal, short
from bot.deploys.past import Past
from bot.deploys.repository import Repository
from bot.errors import Refused
from bot.operations.plan import PlannedStep
from bot.runbooks.git import Head
from bot.runbooks.steps import git_step


@dataclass(frozen=True)
class Reversal:
    """Which migrations go, to which one each app goes back, and the commit whose code does it.

    `forward` says how far a failure later on brings each app forward again, as far as the code
    that runs has what was reversed: app → migration.
    """

    gone: tuple[Migration, ...]
    back_to: tuple[Migration, ...]
    by: str
    forward: Mapping[str, str]


async def find(
    repository: Repository,
    found: Looked,
    past: Past,
    later: Sequence[Past],
    now: Sequence[Migration] | None,
) -> Reversal:
    """What it takes to reverse all that was applied since a deploy began, `later` deploys (the
    newest first) included. Raises Refused where that is not known, or no code has all of it."""
    if past.migrations is None or now is None:
        raise Refused(
            "Which migrations were applied is not known.",
            hint="Configure the target's database, so that it can be seen.",
        )
    gone, head = applied_since(past.migrations, now), found.head.commit
    commits = await _candidates(repository, head, gone, [*later, past])
    files = {commit: await repository.migrations(commit) for commit in commits}
    by, lacking = holding(files, gone, now)
    if not by:
        count, named = words.count(len(lacking), "migration"), first_of(lacking)
        raise Refused(
            f"Nothing was changed: no revision at hand has all migrations that were applied since"
            f" deploy {past.number} began; {count} ({named}) would stay behind the others.",
            hint="Check out by hand the revision that has them, or bring the database of before"
            f" back with /deploy rollback {past.number} --database.",
        )
    forward = {each.app: each.name for each in gone if has(files[head], each, now) or by == head}
    return Reversal(gone, reversal(past.migrations, now), by, forward)


async def _candidates(
    repository: Repository, head: str, gone: Sequence[Migration], deploys: Sequence[Past]
) -> list[str]:
    """The commits whose code may reverse: what runs, unless the deploy that applied the last of
    them brought something newer (its packages count too); then what else was deployed since."""
    brought = next((each.after for each in deploys if each.applied & {*gone}), head)
    first = head if await repository.builds_on(head, brought) else brought
    wanted = dict.fromkeys([first, head, *(each.after for each in deploys)])
    return [commit for commit in wanted if commit == head or await repository.has(commit)]


def steps(found: Looked, wanted: Reversal) -> list[PlannedStep]:
    """The steps that reverse, from the code that runs; the code that did it is checked out then.

    Whether all can be reversed is asked before the first is.
    """
    planned: list[PlannedStep] = []
    if found.head.commit != wanted.by:
        remote, ref = found.settings.deploy.remote, short(wanted.by)
        planned = [git_step(remote, ref, wanted.by, found.head), planning.build_step(found)]
    reversing = [_reverse(found, wanted, each) for each in wanted.back_to]
    return [*planned, _check(found, wanted, reversing), *reversing]


def head_after(found: Looked, wanted: Reversal) -> Head:
    """What is checked out after those steps."""
    return found.head if wanted.by == found.head.commit else Head(wanted.by, "")


def note(found: Looked, wanted: Reversal) -> str:
    """By which code they are reversed, where that is not what runs; "" else."""
    if wanted.by == found.head.commit:
        return ""
    return f"They are reversed by the code of {short(wanted.by)}, which has all of them."


def _check(found: Looked, wanted: Reversal, reversing: Sequence[PlannedStep]) -> PlannedStep:
    step = planning.manage_step(
        found, "Can be reversed", "migrate", "--plan", leave="", kind=kinds.REVERSIBLE
    )
    commands = [list(each.arguments["command"]) for each in reversing]
    return replace(
        step,
        arguments={"commands": commands, "gone": [[each.app, each.name] for each in wanted.gone]},
        command="; ".join(f"{each.command} --plan" for each in reversing),
    )


def _reverse(found: Looked, wanted: Reversal, to: Migration) -> PlannedStep:
    """An app's way back to a migration."""
    step = planning.manage_step(
        found, f"Back to {to}", "migrate", to.app, to.name, leave="", kind=kinds.REVERSE
    )
    forward = wanted.forward.get(to.app, "")
    gone = [[each.app, each.name] for each in wanted.gone if each.app == to.app]
    return replace(
        step,
        arguments={**step.arguments, "forward": forward, "gone": gone},
        risk="What the migrations added is dropped with its data.",
        undo=f"migrate {to.app} {forward} again, without the data" if forward else "",
    )
