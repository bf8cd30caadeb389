"""Where backups go: room, rights, and what is there already."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.backups.archive import size_in
from bot.backups.catalogue import HIDDEN
from bot.backups.database import DatabaseBackup
from bot.backups.model import DATABASE, BackupSet
from bot.backups.restic_store import ResticStore
from bot.backups.retention import dated_ahead
from bot.backups.set_store import SetStore
from bot.backups.sources import parts_of
from bot.backups.steps import SPARE
from bot.backups.stores import store_of
from bot.backups.threads import in_thread
from bot.config.backups import BackupPolicy
from bot.config.settings import Settings
from bot.config.targets import SwarmTarget
from bot.doctor import drills
from bot.doctor.files import look_below, read_only, unwritable
from bot.doctor.looking import looked
from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.doctor.patient import Patient
from bot.errors import OpsbellError
from bot.os_user import me, username
from bot.targets.model import Target
from bot.words import Sign, ago, count, join, size, utc_now


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """One heading for each target that is backed up."""
    rounds = (_one(patient, name) for name in patient.settings.backups)
    for found in await asyncio.gather(*rounds):
        for finding in found:
            yield finding


async def _one(patient: Patient, name: str) -> list[Finding]:
    area = f"Backups of {name}"
    policy = patient.settings.backups[name]
    store = StoreLook(area, name, policy, patient.settings)
    where = store.directory() if policy.store.directory else store.repository()
    found = await looked(area, "Store", where)
    if all(each.sign is not Sign.CRITICAL for each in found):
        found += await looked(area, "Room", _room(patient, name, store))
    found += await looked(area, "Sets", store.sets())
    return found + await looked(area, drills.SUBJECT, drills.drill_findings(patient, name, area))


@dataclass(frozen=True)
class StoreLook:
    """What keeps one target's sets."""

    area: str
    name: str
    policy: BackupPolicy
    settings: Settings

    @property
    def kept(self) -> SetStore:
        """The store."""
        return store_of(self.settings, self.name)

    @property
    def store(self) -> Path:
        """The directory below which sets are written."""
        return self.kept.directory.parent

    async def repository(self) -> list[Finding]:
        """Whether the restic repository answers and its password opens it."""
        kept = self.kept
        if not isinstance(kept, ResticStore):
            raise TypeError(f"{self.name} is not kept in a restic repository")
        try:
            there = await kept.exists()
        except OpsbellError as error:
            todo = error.hint or f"Correct backups.{self.name}.store.restic."
            return [wrong(self.area, "Store", error.message, todo)]
        says = "opens" if there else "is made by the first backup"
        return [well(self.area, "Store", f"The restic repository {says}.")]

    async def directory(self) -> list[Finding]:
        """Whether sets can be written there, and nobody else can read them."""
        return [await asyncio.to_thread(self._directory)]

    async def sets(self) -> list[Finding]:
        """The newest set, those that cannot be trusted, and what killed backups left."""
        try:
            listed = await self.kept.sets()
        except OpsbellError as error:
            return [unseen(self.area, "Sets", error.message)]
        return await asyncio.to_thread(self._sets, listed)

    def _directory(self) -> Finding:
        own = self.kept.directory
        key = f"backups.{self.name}.store.directory"
        there = next(path for path in (own, *own.parents) if path.exists())
        if says := unwritable(there):
            return wrong(self.area, "Store", says, self._make_writable(there))
        if around := self._source_around():
            says = f"{self.store} lies inside {around}, which is to be backed up."
            return wrong(self.area, "Store", says, f"Set {key} to a directory elsewhere.")
        if there != own:
            return well(self.area, "Store", f"{own} is made by the first backup.")
        found = own.stat()
        if found.st_uid != os.geteuid() and os.geteuid() != 0:
            owner = username(found.st_uid)
            says = f"{own} belongs to {owner}, and Opsbell cannot make it private."
            return wrong(self.area, "Store", says, f"Run: sudo chown -R {me()} {own}")
        if found.st_mode & 0o077:
            says = f"{own} has mode {found.st_mode & 0o777:o}: others can look into the backups."
            return beware(self.area, "Store", says, f"Run: chmod 700 {own}")
        return well(self.area, "Store", f"{own} is private to {me()}.")

    def _make_writable(self, there: Path) -> str:
        key = f"backups.{self.name}.store.directory"
        if not there.is_dir():
            return f"Correct {key}."
        if read_only(there):
            return f"Correct {key}, or mount it for writing."
        return f"Run: sudo install -d -m 700 -o {me()} {self.store}"

    def _source_around(self) -> Path | None:
        """A source that holds the store itself: each backup would hold those before it."""
        store = self.store.resolve()
        for part in parts_of(self.settings.target(self.name), self.policy.include):
            for source in part.sources:
                if store.is_relative_to(source.path.resolve()):
                    return source.path
        return None

    def _sets(self, sets: list[BackupSet]) -> list[Finding]:
        now = utc_now()
        found = []
        if bad := [each for each in sets if each.trouble]:
            says = f"{count(len(bad), 'set')} cannot be trusted: {bad[0].id}: {bad[0].trouble}."
            todo = f"Look into {bad[0].place}; remove it once it is of no use."
            found.append(beware(self.area, "Sets", says, todo))
        good = [one for each in sets if (one := each.good)]
        if ahead := [one for one in good if dated_ahead(one, now)]:
            says = f"{count(len(ahead), 'set')} dated in the future, {ahead[0].id} the furthest."
            todo = (
                "Look whether the clock is right. Until then they are restored by their IDs alone."
            )
            found.append(beware(self.area, "Sets", says, todo))
        newest = next((one for one in good if not dated_ahead(one, now)), None)
        if newest is None:
            says, todo = "There is none yet.", f"Make one: {self._by_hand()}"
            found.append(beware(self.area, "Newest backup", says, todo))
        elif overdue := self._overdue(newest.finished):
            says = f"{newest.id}, {ago(newest.finished, now)}; one was due {ago(overdue, now)}."
            todo = f"Look whether opsbell run runs, or make one: {self._by_hand()}"
            found.append(beware(self.area, "Newest backup", says, todo))
        else:
            says = f"{newest.id}, {ago(newest.finished, now)}, {size(newest.size)}."
            found.append(well(self.area, "Newest backup", says))
        if left := self._unfinished():
            says = f"{count(left, 'unfinished set')}: of a backup that runs, or was killed."
            found.append(well(self.area, "Unfinished", f"{says} The next backup removes it."))
        return found

    def _overdue(self, finished: datetime) -> datetime | None:
        """The scheduled time by which a newer set should be there, with an hour for making it."""
        if self.policy.schedule is None:
            return None
        due = self.policy.schedule.next_after(finished.astimezone(self.settings.timezone))
        return due if due + self.policy.catch_up + timedelta(hours=1) < utc_now() else None

    def _unfinished(self) -> int:
        own = self.kept.directory
        return len(list(own.glob(f"{HIDDEN}*"))) if own.exists() else 0

    def _by_hand(self) -> str:
        several = len(self.settings.targets) > 1
        return f"opsbell backup now{f' --target {self.name}' if several else ''}"


async def _room(patient: Patient, name: str, store: StoreLook) -> list[Finding]:
    """The free space against what one more backup may take."""
    settings = patient.settings.target(name)
    if isinstance(settings, SwarmTarget):
        return []
    target = patient.targets.get(name)
    there = next(path for path in (store.store, *store.store.parents) if path.exists())
    free = shutil.disk_usage(there).free
    needed, unknown = 0, []
    for part in store.policy.include:
        try:
            needed += await _expected(store, target, part)
        except (OpsbellError, OSError):
            # The target's own heading says what is wrong with it.
            unknown.append(part)
    about = f"{size(free)} free, about {size(needed)} needed for one backup"
    if needed > free:
        todo = f"Free some, or set backups.{name}.store.directory to a larger disk."
        return [wrong(store.area, "Room", f"{about}.", todo)]
    if unknown:
        return [unseen(store.area, "Room", f"{about} without {join(unknown)}.")]
    same = settings.directory.exists() and there.stat().st_dev == settings.directory.stat().st_dev
    remark = ", on the same disk as the target" if same else ""
    return [well(store.area, "Room", f"{about}{remark}.")]


async def _expected(store: StoreLook, target: Target, part: str) -> int:
    """What a part took last time and a bit, else what it is made of, as a backup reckons."""
    if before := await store.kept.newest([part]):
        return int(before.part_size(part) * SPARE)
    if part == DATABASE:
        return await DatabaseBackup(target, "opsbell check").size()
    [found] = parts_of(store.settings.target(store.name), [part])
    if found.service:
        return await size_in(target, found.service, found.inner)
    trees = [await in_thread(look_below, source.path) for source in found.sources]
    return sum(tree.bytes for tree in trees)
