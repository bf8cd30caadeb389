"""Sets in a restic repository: each is one snapshot of the set's directory.

A set is written on this machine first, as for a plain directory, and then taken into the repository
with the tags `opsbell`, the target's name and the set's ID. restic writes a snapshot last of all,
so a backup that is cut short leaves none; what it had sent is used by the next one, or pruned.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import words
from bot.backups import disk
from bot.backups.catalogue import Catalogue, read_manifest, trouble_of
from bot.backups.model import MANIFEST, BackupSet, Manifest, name_order, part_of
from bot.backups.restic import Absent, IncompleteBackup, Restic
from bot.backups.set_store import SetStore, Tell
from bot.backups.threads import in_thread
from bot.backups.verdicts import VerdictsOf
from bot.errors import Failed
from bot.targets.marked import end_marked_here

logger = logging.getLogger(__name__)

TAG = "opsbell"
READ_AT_ONCE = 4
FULL_ID = 64
_KNOWN = "manifests"
_TO_PRUNE = "to-prune"


@dataclass(frozen=True)
class _Snapshot:
    """One of the target's snapshots; `set` is the ID of the set that it holds."""

    id: str
    set: str


class ResticStore(SetStore):
    """See SetStore. What is read of a snapshot once is kept beside the partial sets: a snapshot
    never changes."""

    def __init__(self, target: str, work: Catalogue, verdicts: VerdictsOf, restic: Restic) -> None:
        super().__init__(target, work, verdicts)
        self._restic = restic

    def places(self) -> list[Path]:
        """Where partial sets are, and a repository that is a directory of this machine."""
        address = self._restic.settings.repository.reveal().removeprefix("local:")
        here = ":" not in address.partition("/")[0]
        return [self.directory, *([Path(address)] if here else [])]

    async def exists(self) -> bool:
        """Whether the repository is there. Raises Failed and Unavailable where it cannot be
        opened."""
        try:
            await self._restic.look("cat", "config")
        except Absent:
            return False
        return True

    async def prepare(self) -> str:
        """Makes the repository where there is none yet."""
        await super().prepare()
        await self.settle()
        if await self.exists():
            return ""
        if await in_thread(lambda: any((self.directory / _KNOWN).glob("*.json"))):
            # A new one there would look as if there had never been a backup.
            raise Failed(
                "The restic repository is gone: it held sets, and now there is none.",
                hint="Mount it again or correct its address. To begin a new one, remove"
                f" {self.directory / _KNOWN}.",
            )
        await self._restic.run("init")
        return "new restic repository"

    def final(self, name: str) -> Path | None:
        """None: what is in a repository has no directory."""
        return None

    def publication(self) -> str:
        """`restic backup` of the partial set."""
        tags = f"--tag {TAG} --tag {self.target} --tag ID"
        return f"restic backup {tags} . (in {self.partial('ID')})"

    async def publish(self, name: str, partial: Path, tell: Tell) -> None:
        """Has restic take the partial set in, and removes it from this machine."""
        snapshots: list[str] = []

        async def hear(line: str) -> None:
            told = _message(line)
            if told.get("message_type") == "status":
                await tell(int(told.get("bytes_done", 0)))
            elif told.get("message_type") == "summary":
                snapshots.append(str(told["snapshot_id"]))

        started = datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        options = ["--host", TAG, "--time", f"{started:%Y-%m-%d %H:%M:%S}"]
        for tag in (TAG, self.target, name):
            options += ["--tag", tag]
        try:
            await self._restic.run("backup", "--json", *options, ".", directory=partial, lines=hear)
        except IncompleteBackup:
            if snapshots:
                await self._restic.run("forget", *snapshots)
            raise
        if snapshots and len(snapshots[0]) == FULL_ID:  # since restic 0.16
            content = await in_thread((partial / MANIFEST).read_bytes)
            await in_thread(_keep, self._known(snapshots[0]), content)
        await in_thread(disk.remove_directory, partial)

    async def settle(self) -> None:
        """Ends what a killed Opsbell may have left running of restic."""
        if self._restic.mark:
            await end_marked_here(self._restic.mark)

    async def remove(self, sets: Sequence[BackupSet]) -> None:
        """Forgets exactly these snapshots, then removes the data that no snapshot needs.

        A mark on this machine's disk says that the second is still to be done.
        """
        await self.clear()
        mark = self.directory / _TO_PRUNE
        if sets:
            await in_thread(mark.touch)
            await in_thread(disk.sync_directory, self.directory)
            await self._restic.run("forget", *(each for one in sets for each in one.snapshots))
        if await in_thread(mark.exists):
            await self._restic.run("prune")
            await in_thread(mark.unlink)

    def removal(self, ids: Sequence[str]) -> str:
        """`restic forget --prune`, with the IDs of sets in the place of those of snapshots."""
        return f"restic forget --prune {' '.join(ids)}"

    @contextlib.asynccontextmanager
    async def fetched(
        self, one: BackupSet, parts: Iterable[str] | None = None
    ) -> AsyncIterator[Path]:
        """A copy beside the partial sets, gone on leaving; `clear` removes what a crash leaves."""
        wanted = None if parts is None else frozenset(parts)
        included: list[str] = []
        if one.manifest and wanted is not None:
            files = [file for file in one.manifest.files if part_of(file.path) in (None, *wanted)]
            for path in dict.fromkeys(["/" + Path(f.path).parts[0] for f in files]):
                included += ["--include", path]
            included += ["--include", f"/{MANIFEST}"]
        await in_thread(disk.make_directory, self.directory)
        copy = self._work.partial(f"fetched-{one.id}")
        await in_thread(disk.remove_directory, copy)
        await self._find_room(one, wanted)
        try:
            await in_thread(disk.make_directory, copy)
            argv = ["restore", one.snapshots[0], "--target", str(copy), *included]
            await self._restic.run(*argv)
            yield copy
        finally:
            await in_thread(disk.remove_directory, copy)

    async def _find_room(self, one: BackupSet, parts: frozenset[str] | None) -> None:
        if one.manifest is None:
            return
        needed = sum(
            file.size
            for file in one.manifest.files
            if parts is None or part_of(file.path) in (None, *parts)
        )
        free = (await in_thread(shutil.disk_usage, self.directory)).free
        if needed > free:
            raise Failed(
                f"Not enough space in {self.directory} to fetch {one.id}: {words.size(free)} free,"
                f" {words.size(needed)} needed."
            )

    async def _listed(self) -> list[BackupSet]:
        if not await in_thread(self.directory.exists) and not await self.exists():
            return []
        snapshots: dict[str, list[str]] = {}
        for each in await self._snapshots():
            snapshots.setdefault(each.set, []).append(each.id)
        at_once = asyncio.Semaphore(READ_AT_ONCE)

        async def read(name: str, ids: list[str]) -> BackupSet:
            async with at_once:
                manifest, trouble = await self._read(name, ids[0])
            return BackupSet(name, None, manifest, trouble, tuple(ids))

        names = sorted(snapshots, key=lambda name: name_order(name) or ("", 0), reverse=True)
        # Each is a program of its own; the first to fall ends them all.
        reading = [asyncio.create_task(read(name, snapshots[name])) for name in names]
        try:
            found = [await task for task in reading]
        finally:
            for task in reading:
                task.cancel()
            if reading:
                await asyncio.wait(reading)
        await in_thread(self._forget_unknown, {each for ids in snapshots.values() for each in ids})
        return found

    async def _snapshots(self) -> list[_Snapshot]:
        """The target's snapshots; those of others in the same repository are not looked at."""
        printed = await self._restic.look("snapshots", "--json", "--tag", f"{TAG},{self.target}")
        found = []
        for each in json.loads(printed) or ():
            match each.get("tags") or []:
                case [tag, target, name, *_] if (tag, target) == (TAG, self.target):
                    if name_order(name):
                        found.append(_Snapshot(str(each["id"]), name))
        return found

    async def _read(self, name: str, snapshot: str) -> tuple[Manifest | None, str]:
        """The manifest in a snapshot, and what is wrong with the set."""
        known = self._known(snapshot)
        if content := await in_thread(_content, known):
            return read_manifest(content), ""
        sizes = _sizes(await self._restic.look("ls", "--json", snapshot))
        if MANIFEST not in sizes:
            return None, f"{MANIFEST} is not in the snapshot"
        content = await self._restic.look("dump", snapshot, f"/{MANIFEST}")
        try:
            manifest = read_manifest(content)
        except ValueError as error:
            return None, str(error)

        def size_of(path: str) -> int:
            if path not in sizes:
                raise FileNotFoundError(2, "not in the snapshot")
            return sizes[path]

        trouble = trouble_of(name, manifest, size_of)
        if not trouble:
            await in_thread(_keep, known, content)
        return manifest, trouble

    def _known(self, snapshot: str) -> Path:
        """What was read of a snapshot."""
        return self.directory / _KNOWN / f"{snapshot}.json"

    def _forget_unknown(self, snapshots: set[str]) -> None:
        for path in (self.directory / _KNOWN).glob("*.json"):
            if path.stem not in snapshots:
                path.unlink(missing_ok=True)


def _message(line: str) -> Mapping[str, Any]:
    """A line of restic's as JSON; nothing where it is none."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _sizes(printed: bytes) -> dict[str, int]:
    """The files of a snapshot, by their path in it, from `restic ls --json`."""
    entries: Iterator[Mapping[str, Any]] = map(_message, printed.decode().splitlines())
    return {
        str(entry["path"]).removeprefix("/"): int(entry.get("size", 0))
        for entry in entries
        if entry.get("type") == "file"
    }


def _content(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        read_manifest(content)
    except (OSError, ValueError):
        return None
    return content


def _keep(path: Path, content: bytes) -> None:
    """Keeps what was read of a snapshot; whole or not at all."""
    disk.make_directory(path.parent)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.write_bytes(content)
    draft.rename(path)
