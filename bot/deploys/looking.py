"""What has to be so before a deploy: looked at when it is planned, and again when it begins."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from bot import words
from bot.deploys.model import Difference, short
from bot.deploys.repository import Repository
from bot.errors import Failed, Refused

SPARE = 64 * 1024 * 1024
_NAMED = 5


async def require_clean(repository: Repository) -> None:
    """Raises Refused where tracked files were changed by hand, or git is at work there."""
    if lock := await repository.lock():
        raise Refused(
            f"Nothing was changed: git is at work in {lock.parent.parent}, or died there.",
            hint=f"Where no git runs there any more, remove {lock}.",
        )
    if changed := await repository.changed():
        raise Refused(
            f"Nothing was changed: {words.count(len(changed), 'file')} of the work tree"
            f" {'is' if len(changed) == 1 else 'are'} not as committed: {_some(changed)}.",
            hint="git diff shows them there. Commit them, or git stash them, then deploy again.",
        )


async def require_room(repository: Repository, commit: str) -> int:
    """The bytes that are free. Raises Failed where the commit's files would not fit."""
    top = await repository.top()
    needed = 2 * await repository.size(commit) + SPARE
    free = (await asyncio.to_thread(shutil.disk_usage, top)).free
    if free < needed:
        raise Failed(
            f"Nothing was changed: {words.size(free)} free in {top}, about {words.size(needed)}"
            " needed.",
            hint="Free some room and deploy again.",
        )
    return free


def require_no_submodule(difference: Difference) -> None:
    """Raises Refused where a submodule changes: what it points to is not brought."""
    if changed := [each.path for each in difference.changes if each.is_submodule]:
        raise Refused(
            f"Nothing was changed: the submodule {_some(changed)} changes, which a deploy does not"
            " bring.",
            hint="Deploy this one by hand.",
        )


async def require_no_collision(repository: Repository, difference: Difference) -> None:
    """Raises Refused where the commit brings files whose places are taken by others, ignored ones
    (a .env above all) included: a checkout would overwrite them."""
    top = await repository.top()
    taken = await asyncio.to_thread(_existing, top, difference.added)
    if taken:
        raise Refused(
            f"Nothing was changed: {_some(taken)} would be overwritten. The commit brings"
            f" {'a file' if len(taken) == 1 else 'files'} of that name, which git did not put"
            " there.",
            hint="Move what lies there away, or remove it from the repository.",
        )


def _existing(top: Path, paths: tuple[str, ...]) -> list[str]:
    return [path for path in paths if os.path.lexists(top / path)]


def ways_apart(start: str, ref: str, difference: Difference) -> str:
    """What a deploy takes away, as a sentence; "" where it only adds."""
    if not difference.lost:
        return ""
    lost = words.count(len(difference.lost), "commit")
    named = ", ".join(f"{each.id} {each.subject}" for each in difference.lost[:_NAMED])
    kind = "is older than" if not difference.total else "does not build upon"
    return f"{ref} {kind} what runs ({short(start)}): {lost} would go ({named})."


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return words.join([*names[:_NAMED], *([f"{more} more"] if more > 0 else [])])
