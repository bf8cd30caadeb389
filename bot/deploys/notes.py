"""What people should know of a deploy before they run it."""

from __future__ import annotations

from collections.abc import Sequence

from bot import words
from bot.deploys.counting import files_of
from bot.deploys.looked import Looked
from bot.deploys.looking import ways_apart
from bot.deploys.model import short
from bot.operations.plan import PlannedStep
from bot.words import Sign


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
    told += _migrations(looked)
    if looked.pending.paths:
        told.append(_after_migrations(any(not each.left_out for each in safety)))
    return told


def _migrations(looked: Looked) -> list[str]:
    """Which are to be applied, as the database tells, and what else changes among them."""
    pending, changes = looked.pending, looked.difference.migrations
    count = words.count(len(pending.paths), "migration")
    if pending.by_git:
        signs = {"A": "new", "D": "removed"}
        head = f"{Sign.WARNING} {count} in them" if changes else "No migration in them"
        told = [f"{head}, counted by git alone: {pending.by_git}."]
        return told + [f"{each.path} ({signs.get(each.status, 'changed')})" for each in changes]
    new = {*looked.difference.added}
    told = [f"{Sign.WARNING} {count} to apply:"] if pending.paths else ["No migration to apply."]
    told += [f"{path} ({'new' if path in new else 'not applied yet'})" for path in pending.paths]
    signs = {"A": "new, applied already", "D": "removed"}
    own = {*files_of(each.path for each in changes)} - {*pending.paths}
    rest = [each for each in changes if each.path in own]
    return told + [f"{each.path} ({signs.get(each.status, 'changed')})" for each in rest]


def _after_migrations(backed_up: bool) -> str:
    said = (
        "Where this fails after them, the code goes back by itself and the database stays"
        " migrated. A person can then reverse the migrations (/deploy rollback ID --migrations)"
    )
    if backed_up:
        said += " or swap the database of before back in (/deploy rollback ID --database), which"
        return f"{said} loses what was written since."
    return f"{said}. There is no backup of before to go back to."
