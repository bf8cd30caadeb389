"""The git repository in a target's directory: what a ref means there, and what lies between.

Looking changes neither the work tree nor the index nor any branch. Fetching brings objects into the
target's own repository, since only that one knows how to sign in to its remote, under names of
Opsbell's own below `refs/opsbell/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bot.config.words import nearest
from bot.deploys.counting import files_of
from bot.deploys.model import Change, Commit, Difference, may_be_commit, short
from bot.errors import Failed, NotFound, Refused, Unavailable, UsageError
from bot.runbooks.git import (
    ENVIRONMENT,
    Head,
    changes,
    git,
    git_argv,
    has_commit,
    head,
    index_lock,
    top,
)
from bot.targets.model import Target

COMMITS_LISTED = 20
_FETCH = timedelta(minutes=5)
_MOST = 32 * 1024 * 1024
_OWN = "refs/opsbell"
_SUBMODULE = "160000"


class Repository:
    """The repository of one target. Methods raise Refused where there is none, Failed or
    Unavailable where git or its remote does not answer."""

    def __init__(self, target: Target, remote: str) -> None:
        self._target = target
        self._remote = remote

    async def top(self) -> Path:
        """The work tree's own directory: the target's, or one above it."""
        try:
            return await top(self._target)
        except Failed as error:
            raise Refused(
                f"{self._target.directory()} is no git work tree.",
                hint="A deploy checks out a commit there: clone the application's repository.",
            ) from error

    async def head(self) -> Head:
        """What is checked out."""
        await self.top()
        return await head(self._target)

    async def changed(self) -> list[str]:
        """The tracked files that are not as they were committed."""
        return await changes(self._target)

    async def lock(self) -> Path | None:
        """The file that git has where it works on the index, or has left where it died at it."""
        path = await index_lock(self._target)
        return path if path.exists() else None

    async def fetch(self) -> None:
        """Brings the remote's branches and tags, with their objects."""
        if self._remote not in (await git(self._target, "remote")).split():
            raise Refused(
                f"The repository of {self._target.name} has no remote {self._remote}.",
                hint=f"Name one as targets.{self._target.name}.deploy.remote, or add it with git.",
            )
        for last in (False, True):
            try:
                await git(self._target, *self._fetching(), timeout=_FETCH)
                break
            except Failed as error:
                # Another look may fetch the same at the same time.
                if last or "cannot lock ref" not in error.output:
                    raise Unavailable(
                        f"Nothing can be fetched from {self._remote}: {_why(error)}.",
                        hint="Opsbell asks with the directory's own git configuration and the keys"
                        " of the user that it runs as.",
                    ) from error

    def _fetching(self) -> tuple[str, ...]:
        return (
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--refmap=",
            "--",
            self._remote,
            f"+refs/heads/*:{_OWN}/heads/*",
            f"+refs/tags/*:{_OWN}/tags/*",
        )

    async def resolve(self, ref: str) -> str:
        """The commit that a branch, a tag or the beginning of a commit ID names at the remote.

        Raises NotFound with the nearest name, UsageError where it names two commits.
        """
        names = await self._names()
        found = dict.fromkeys(names[name] for name in self._meant(ref) if name in names)
        if len(found) > 1:
            raise UsageError(
                f"{ref} is a branch and a tag, of different commits.",
                hint=f"Say heads/{ref} or tags/{ref}.",
            )
        if found:
            return next(iter(found))
        if may_be_commit(ref) and (commit := await self._commit(ref)):
            return commit
        listed = {name.partition("/")[2] for name in names}
        raise NotFound(f"{self._remote} has no branch, tag or commit {ref}{nearest(ref, listed)}.")

    def _meant(self, ref: str) -> list[str]:
        plain = ref.removeprefix(f"{self._remote}/")
        return [f"heads/{ref}", f"tags/{ref}", ref, f"heads/{plain}"]

    async def holds(self, ref: str, commit: str) -> bool:
        """Whether a ref still names a commit: a branch that it is part of, a tag of that very one,
        or its own ID."""
        names = await self._names()
        tips = [names[name] for name in self._meant(ref) if name in names]
        branches = [name for name in self._meant(ref) if name in names and name[:6] == "heads/"]
        if commit in tips or not tips:
            return commit in tips or commit.startswith(ref)
        return any([await self.builds_on(names[name], commit) for name in branches])

    async def between(self, start: str, end: str) -> Difference:
        """What lies between two commits."""
        total = int(await git(self._target, "rev-list", "--count", f"{start}..{end}"))
        listed = await self._long(
            "diff", "--raw", "--no-renames", "--no-ext-diff", "-z", start, end, "--"
        )
        fields = listed.split("\0")[:-1]
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return Difference(
            tuple(await self._commits(start, end)),
            total,
            tuple(await self._commits(end, start)),
            tuple(_change(about, path) for about, path in pairs),
        )

    async def size(self, commit: str) -> int:
        """The bytes of all files of a commit."""
        listed = (await self._long("ls-tree", "-r", "-l", "-z", "--full-tree", commit)).split("\0")
        sizes = [entry.partition("\t")[0].split()[3] for entry in listed[:-1]]
        return sum(int(size) for size in sizes if size.isdigit())

    async def migrations(self, commit: str) -> list[str]:
        """The files of a commit that are migrations by themselves."""
        listed = await self._long("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return files_of(listed.split("\0")[:-1])

    async def has_file(self, commit: str, path: str) -> bool:
        """Whether a commit holds a file, by its path below the target's directory."""
        listed = await git(
            self._target, "ls-tree", "--name-only", commit, "--", f":(literal){path}"
        )
        return bool(listed.strip())

    async def names_of(self, commit: str) -> list[str]:
        """The tags, else the remote's branches, that name a commit as far as is known here."""
        branches = (f"refs/remotes/{self._remote}", f"{_OWN}/heads")
        for places in (("refs/tags", f"{_OWN}/tags"), branches):
            argv = ("for-each-ref", "--points-at", commit, "--format=%(refname)", *places)
            found = (await git(self._target, *argv)).split()
            names = {_after(name, places) for name in found} - {"HEAD"}
            if names:
                return sorted(names)
        return []

    async def has(self, commit: str) -> bool:
        """Whether the repository holds a commit."""
        return await has_commit(self._target, commit)

    async def builds_on(self, later: str, earlier: str) -> bool:
        """Whether one commit has another among its forebears, or is the same."""
        argv = git_argv(self._target, "merge-base", "--is-ancestor", earlier, later)
        done = await self._target.run(argv, timeout=_FETCH, environment=ENVIRONMENT)
        return done.status == 0

    async def _commit(self, text: str) -> str:
        argv = git_argv(self._target, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
        done = await self._target.run(argv, timeout=_FETCH, environment=ENVIRONMENT)
        return done.stdout.strip() if done.status == 0 else ""

    async def _names(self) -> dict[str, str]:
        """The remote's branches and tags as `heads/…` and `tags/…`, each with its commit."""
        form = "--format=%(refname) %(objectname) %(*objectname)"
        found = {}
        for line in (await git(self._target, "for-each-ref", form, _OWN)).splitlines():
            name, direct, peeled = line.split(" ")
            found[name.removeprefix(f"{_OWN}/")] = peeled or direct
        return found

    async def _commits(self, start: str, end: str) -> list[Commit]:
        form = "--format=%H%x1f%an%x1f%s"
        limit = f"--max-count={COMMITS_LISTED}"
        text = await self._long("log", "-z", "--no-show-signature", limit, form, f"{start}..{end}")
        entries = [entry.split("\x1f", 2) for entry in text.split("\0") if entry]
        return [Commit(short(commit), author, subject) for commit, author, subject in entries]

    async def _long(self, *arguments: str) -> str:
        """What git says, however much that is."""
        said = bytearray()
        argv = git_argv(self._target, *arguments)
        async with (
            asyncio.timeout(_FETCH.total_seconds()),
            self._target.process(argv, environment=ENVIRONMENT) as process,
        ):
            async for chunk in process.chunks():
                said += chunk
                if len(said) > _MOST:
                    raise Failed(f"git {arguments[0]} says more than can be read.")
            if await process.wait():
                output = self._target.redact(process.error_tail)
                raise Failed(f"git {arguments[0]} failed.", output=output)
        return said.decode(errors="replace")


def _change(about: str, path: str) -> Change:
    """`:OLD_MODE NEW_MODE OLD_ID NEW_ID STATUS`, as git tells a change raw."""
    before, after, _, _, status = about.removeprefix(":").split()
    return Change(status[:1], path, _SUBMODULE in (before, after))


def _after(name: str, places: Sequence[str]) -> str:
    """A ref's name below the one of the places that it lies in."""
    return next(name[len(place) + 1 :] for place in places if name.startswith(f"{place}/"))


def _why(error: Failed) -> str:
    """The line in which git says what is wrong."""
    lines = error.output.strip().splitlines()
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return telling[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".") if lines else "?"
