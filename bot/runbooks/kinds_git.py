"""`git`: a resolved commit fetched and checked out in the target's directory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import Failed, Refused
from bot.operations.model import StepContext, StepKind
from bot.runbooks.commands import mark_of
from bot.runbooks.git import (
    Head,
    added,
    changes,
    git,
    has_commit,
    head,
    index_lock,
    refuse_changes,
    run_git,
    top,
)
from bot.runbooks.undoing import run_undo
from bot.runbooks.written import is_written_from
from bot.targets.model import Target
from bot.targets.targets import Targets
from bot.targets.text import storable

SHORT = 10


class Git:
    """`git`, with the arguments `remote`, `ref`, `commit`, and what was checked out when it was
    planned: `previous` (a commit) and `branch` ("" for none).

    The commit is checked out by itself; a branch that was checked out stays where it is, so that
    going back is to check out the branch again.
    """

    def __init__(self, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        self._targets = targets
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Fetches and checks out. Raises Refused, with nothing changed, where files that are not
        committed would be lost."""
        target, given = self._find(context)
        commit, before = given["commit"], await head(target)
        if before.commit not in (given["previous"], commit):
            raise Refused(
                f"Another commit ({before.commit[:SHORT]}) was checked out since the plan was made."
            )
        await refuse_changes(target)
        if not await has_commit(target, commit):
            await run_git(target, context, "fetch", "--no-tags", "--", given["remote"])
        if not await has_commit(target, commit):
            ref = given["ref"]
            await run_git(target, context, "fetch", "--no-tags", "--", given["remote"], ref)
        if not await has_commit(target, commit):
            raise Failed(f"{given['remote']} did not give commit {commit[:SHORT]}.")
        await _refuse_collisions(target, before.commit, commit)
        await run_git(target, context, "checkout", "--detach", commit)
        return {"note": _note(given), "commit": commit, "previous": before.commit}

    async def undo(self, context: StepContext) -> None:
        """Checks out what was before, also from the middle of a checkout, and proves it."""
        target, given = self._find(context)
        await target.end_marked(mark_of(context))
        await asyncio.to_thread(_remove_stale_lock, await index_lock(target), context)
        await self._back(target, context, Head(given["previous"], given["branch"]))
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Whether the commit is checked out, whole."""
        target, given = self._find(context)
        await target.end_marked(mark_of(context))
        if (await head(target)).commit != given["commit"] or await changes(target):
            return None
        return {"note": _note(given), "commit": given["commit"], "previous": given["previous"]}

    async def _back(self, target: Target, context: StepContext, previous: Head) -> None:
        given = context.step.planned.arguments
        now = await head(target)
        if now.commit not in (previous.commit, given["commit"]):
            raise Refused(f"Another commit ({now.commit[:SHORT]}) was checked out meanwhile.")
        if now.commit != previous.commit or await changes(target):
            if not await has_commit(target, previous.commit):
                raise Failed(f"Commit {previous.commit[:SHORT]} is gone from {target.directory()}.")
            # All tracked files were as committed when the step began, so nothing of anyone's is
            # lost by force; whoever changed them since is told of it by the check before.
            await run_git(target, context, "checkout", "--force", "--detach", previous.commit)
        if now.commit == previous.commit and await has_commit(target, given["commit"]):
            await self._remove_half_written(target, context, previous.commit)
        await self._branch_again(target, context, previous)
        if (await head(target)).commit != previous.commit or await changes(target):
            raise Failed(f"{target.directory()} is not as it was at {previous.commit[:SHORT]}.")

    async def _remove_half_written(
        self, target: Target, context: StepContext, previous: str
    ) -> None:
        """A checkout that was cut off leaves files that only the new commit knows. What others have
        put there under such a name, before or since, is theirs."""
        if context.step.started is None:
            return
        began, above = context.step.started.timestamp(), await top(target)
        commit = context.step.planned.arguments["commit"]
        for name in await added(target, previous, commit):
            path = above / name
            if not await asyncio.to_thread(_is_newer, path, began):
                continue
            if await is_written_from(target, path, commit, name):
                await asyncio.to_thread(path.unlink)

    async def _branch_again(self, target: Target, context: StepContext, previous: Head) -> None:
        now = await head(target)
        if not previous.branch or now.branch == previous.branch:
            return
        stands = await git(target, "rev-parse", "--verify", f"refs/heads/{previous.branch}")
        if stands.strip() == previous.commit:
            await run_git(target, context, "checkout", previous.branch, "--")

    def _find(self, context: StepContext) -> tuple[Target, Mapping[str, Any]]:
        return self._targets.get(context.operation.plan.target), context.step.planned.arguments


async def _refuse_collisions(target: Target, before: str, after: str) -> None:
    """Files that the new commit brings and that are there already, ignored ones too: git would
    write over those without a word."""
    names, above = await added(target, before, after), await top(target)
    there = await asyncio.to_thread(_existing, above, names)
    if there:
        shown = target.redact(storable(", ".join(there[:5])))
        raise Refused(
            f"{shown} would be written over: not committed here, and part of the commit.",
            hint=f"Move it away in {above}.",
        )


def _existing(directory: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if os.path.lexists(directory / name)]


def _remove_stale_lock(lock: Path, context: StepContext) -> None:
    """A git that lost power or was killed leaves its lock; none of this step's runs any more."""
    began = context.step.started
    if began and _is_newer(lock, began.timestamp()):
        lock.unlink(missing_ok=True)


def _is_newer(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime >= moment and not path.is_dir()
    except (FileNotFoundError, NotADirectoryError):
        return False


def _note(given: Mapping[str, Any]) -> str:
    return f"{given['previous'][:SHORT]} → {given['commit'][:SHORT]}"
