"""Where the sets of one target are kept: what every kind of store does alike."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from bot.backups import disk
from bot.backups.catalogue import Catalogue
from bot.backups.model import BackupSet, Manifest, free_name
from bot.backups.retention import dated_ahead
from bot.backups.threads import in_thread
from bot.backups.verdicts import Verdict, VerdictsOf
from bot.errors import NotFound
from bot.words import utc_now

Tell: TypeAlias = Callable[[int], Awaitable[None]]
"""Hears how many bytes are in the store by now."""


class SetStore(ABC):
    """The sets of one target. A set is first written into a directory of this machine, `partial`,
    whatever the store; `publish` makes it a set in one step, which a crash leaves done or undone.

    All raise Unavailable and Failed where the store does not answer or refuses, and OSError for
    what this machine's disk does. One operation at a time changes a target's store.
    """

    def __init__(self, target: str, work: Catalogue, verdicts: VerdictsOf) -> None:
        self.target = target
        self._work = work
        self._verdicts = verdicts

    @property
    def directory(self) -> Path:
        """Where partial sets are written."""
        return self._work.directory

    def places(self) -> list[Path]:
        """All directories of this machine that hold sets; none may lie in what is backed up."""
        return [self.directory]

    def partial(self, name: str) -> Path:
        """Where the set of that name is while it is written."""
        return self._work.partial(name)

    @abstractmethod
    def final(self, name: str) -> Path | None:
        """The directory of the published set of that name; None where it is none."""

    @abstractmethod
    def publication(self) -> str:
        """The command that `publish` comes to, for people."""

    async def prepare(self) -> str:
        """Sees to it that a set can be published; what to know of it, "" for nothing."""
        await in_thread(disk.make_directory, self.directory)
        return ""

    async def clear(self) -> int:
        """Removes what dead backups and interrupted removals left on this machine; how many."""
        return await in_thread(self._work.clear)

    async def sets(self) -> list[BackupSet]:
        """All sets, newest first. One that cannot be trusted is listed with its trouble."""
        listed = await self._listed()
        verdicts = await self._verdicts(self.target) if listed else {}
        return [_judged(one, verdicts.get(one.id)) for one in listed]

    async def good(self) -> list[Manifest]:
        """The manifests of the sets that can be trusted, newest first."""
        return [manifest for one in await self.sets() if (manifest := one.good)]

    async def newest(self, parts: Iterable[str]) -> Manifest | None:
        """The newest good set that holds all of `parts`; none that is dated in the future."""
        now = utc_now()
        return newest(
            [one for one in await self.sets() if not dated_ahead(one.manifest, now)], parts
        )

    async def find(self, wanted: str) -> BackupSet:
        """The set with that ID, with an ID that begins so, or the `latest`.

        Raises NotFound where there is none, or where several begin so. Of what looks like a plain
        dump, that says how it is restored.
        """
        if wanted.endswith(".sql"):
            where, name = self.directory.absolute(), Path(wanted).name
            hint = f"A plain dump is restored from {where}: put it there and say /restore file:"
            raise NotFound(_no_backup(wanted), hint=f"{hint}{name}.")
        return find(ahead_last(await self.sets(), utc_now()), wanted)

    async def free_name(self, started: datetime, sets: Iterable[BackupSet]) -> str:
        """The name for a set begun at a moment, beside the `sets` that there are; see
        `bot.backups.model.free_name`."""
        return free_name(started, [one.id for one in sets])

    @abstractmethod
    async def publish(self, name: str, partial: Path, tell: Tell) -> None:
        """Turns a whole partial set into the set `name`, which a power cut does not take back."""

    @abstractmethod
    async def settle(self) -> None:
        """Ends what a killed Opsbell has left running, and makes sure that a published set that
        was found again is there for good."""

    @abstractmethod
    async def remove(self, sets: Sequence[BackupSet]) -> None:
        """Removes sets; from its first moment on each is no longer listed. Also ends what an
        earlier removal had begun, so it is of use without any set."""

    @abstractmethod
    def removal(self, ids: Sequence[str]) -> str:
        """The command that `remove` comes to, for people."""

    @abstractmethod
    def fetched(
        self, one: BackupSet, parts: Iterable[str] | None = None
    ) -> AbstractAsyncContextManager[Path]:
        """The set as a directory of this machine inside the block, with at least these parts (all
        where None is given) and what belongs to none. It may only be read.

        Raises Failed where there is no room for it.
        """

    @abstractmethod
    async def _listed(self) -> list[BackupSet]:
        """All sets, newest first, as the store alone can judge them."""


class DirectoryStore(SetStore):
    """Sets in a plain directory, STORE/TARGET: each is a directory with a manifest in it."""

    def final(self, name: str) -> Path | None:
        """STORE/TARGET/ID."""
        return self._work.final(name).absolute()

    def publication(self) -> str:
        """The rename of the partial set."""
        return f"mv {self.partial('ID')} {self._work.final('ID')}"

    async def publish(self, name: str, partial: Path, tell: Tell) -> None:
        """Renames the partial set."""
        await in_thread(self._work.publish, partial, name)

    async def settle(self) -> None:
        """Waits until the rename is on the disk."""
        if await in_thread(self.directory.exists):
            await in_thread(disk.sync_directory, self.directory)

    async def remove(self, sets: Sequence[BackupSet]) -> None:
        """Removes the sets' directories, and what interrupted removals left."""
        await self.clear()
        for one in sets:
            await in_thread(self._work.remove, one.id)

    def removal(self, ids: Sequence[str]) -> str:
        """`rm -r` of the sets' directories."""
        return " ".join(["rm -r", *(str(self._work.final(each)) for each in ids)])

    @contextlib.asynccontextmanager
    async def fetched(
        self, one: BackupSet, parts: Iterable[str] | None = None
    ) -> AsyncIterator[Path]:
        """The set itself."""
        yield self._work.final(one.id)

    async def _listed(self) -> list[BackupSet]:
        return await in_thread(self._work.sets)

    async def free_name(self, started: datetime, sets: Iterable[BackupSet]) -> str:
        """One that nothing in the directory bears, be it a set or not."""
        return free_name(started, await in_thread(os.listdir, self.directory))


def _judged(one: BackupSet, verdict: Verdict | None) -> BackupSet:
    """A set with what a drill has found out about it."""
    if verdict is None:
        return one
    failed = "" if verdict.good else f"it failed its restore drill: {verdict.summary}"
    return replace(one, verdict=verdict, trouble=one.trouble or failed)


def ahead_last(sets: Iterable[BackupSet], now: datetime) -> list[BackupSet]:
    """Sets given newest first, those last that are dated in the future: they may be the oldest."""
    return sorted(sets, key=lambda one: dated_ahead(one.manifest, now))


def newest(sets: Iterable[BackupSet], parts: Iterable[str]) -> Manifest | None:
    """The first of `sets`, given newest first, that is good and holds all of `parts`."""
    wanted = frozenset(parts)
    return next((one.good for one in sets if one.good and one.good.parts >= wanted), None)


def find(sets: Sequence[BackupSet], wanted: str) -> BackupSet:
    """The set with that ID, with an ID that begins so, or the `latest`: the first of the sets.

    Raises NotFound where there is none, or where several begin so.
    """
    if wanted.lower() == "latest":
        matches = list(sets[:1])
    else:
        text = wanted.upper()
        matches = [one for one in sets if one.id == text] or [
            one for one in sets if one.id.startswith(text)
        ]
    if not matches:
        there = f"The newest is {sets[0].id}." if sets else "There is none yet."
        raise NotFound(_no_backup(wanted), hint=there)
    if len(matches) > 1:
        several = ", ".join(one.id for one in matches[:3])
        raise NotFound(
            f'{len(matches)} backups begin with "{wanted[:40]}".',
            hint=f"Type more of the ID: {several}{', …' if len(matches) > 3 else '.'}",
        )
    return matches[0]


def _no_backup(wanted: str) -> str:
    return f'There is no backup "{wanted[:40]}".'
