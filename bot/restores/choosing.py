"""Which backup is to be restored: the one that is named, what `latest` means, or a plain dump."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot import words
from bot.backups.model import DATABASE, BackupSet, Manifest
from bot.backups.retention import AHEAD, dated_ahead
from bot.backups.service import Backups
from bot.backups.sources import known_parts
from bot.backups.threads import in_thread
from bot.config import targets as configured
from bot.errors import NotFound, Refused
from bot.restores.model import FILE, RUNBOOK, UNDO_RUNBOOK, file_name
from bot.restores.running import dumps_directory
from bot.words import Sign, utc_now

_NAMED = 3
_ENDS = 1 << 20
_OF_BROKEN = re.compile(f"before ({RUNBOOK}|{UNDO_RUNBOOK})( in .*)?( #[0-9]+)?")
"""Why safety backups are taken of what a restore is to replace: what is broken, as a rule."""


@dataclass(frozen=True)
class Chosen:
    """What is to be restored: a set with its manifest, or a plain dump (`manifest` None).

    `others` are parts that the set holds as well, and that are not asked for.
    """

    id: str
    parts: tuple[str, ...]
    digest: str
    manifest: Manifest | None
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Choosing:
    """Looks for what is to be restored on one target. Changes nothing."""

    def __init__(self, backups: Backups, target: str, settings: configured.Target) -> None:
        self._backups = backups
        self._target = target
        self._settings = settings

    async def chosen(self, wanted: str, parts: Sequence[str], *, whole: bool) -> Chosen:
        """What words name: an ID, the beginning of one, `latest` or `file:NAME.sql`.

        Where no parts are named it is the `whole` of what the set holds, or else the database
        alone, unless it holds none. Raises NotFound and Refused.
        """
        if name := file_name(wanted):
            return await self._file(name, parts)
        found, notes = await self._set(wanted, parts, whole=whole)
        if found.manifest is None:
            raise Refused(f"{found.id} cannot be restored: {found.trouble}.")
        manifest = found.manifest
        held = [part for part in known_parts(self._settings) if part in manifest.parts]
        if not held:
            raise Refused(
                f"{found.id} holds nothing that is configured for {self._target}.",
                hint=f"It holds {words.join(manifest.ordered_parts)}.",
            )
        usual = (DATABASE,) if DATABASE in held and not whole else tuple(held)
        asked = self._backups.parts(self._target, parts) or usual
        if missing := [part for part in asked if part not in manifest.parts]:
            raise Refused(
                f"{found.id} holds no {words.join(missing, 'or')}.",
                hint=f"It holds {words.join(manifest.ordered_parts)}.",
            )
        digest = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
        if found.trouble:
            notes = (f"{Sign.WARNING} This backup is not to be trusted: {found.trouble}.",)
        others = tuple(part for part in held if part not in asked)
        return Chosen(found.id, asked, digest, manifest, notes, others)

    async def _set(
        self, wanted: str, parts: Sequence[str], *, whole: bool
    ) -> tuple[BackupSet, tuple[str, ...]]:
        """The set of that ID, or what `latest` means; and what to tell of the choice."""
        name = self._target
        if wanted.lower() != "latest":
            return await self._backups.find(name, wanted), ()
        include = self._backups.policy(name).include
        usual = [DATABASE] if DATABASE in include and not whole else include
        asked = self._backups.parts(name, parts or usual)
        return latest(name, await self._backups.sets(name), asked, utc_now())

    async def _file(self, name: str, parts: Sequence[str]) -> Chosen:
        if any(part.lower() != DATABASE for part in parts):
            raise Refused(f"{name} holds a database alone.")
        path = dumps_directory(self._backups, self._target) / name
        if not await in_thread(path.is_file):
            raise NotFound(f"There is no {path}.", hint="Dumps lie beside the backups' sets.")
        return Chosen(f"{FILE}{name}", (DATABASE,), await in_thread(_identity, path), None)


def latest(
    target: str, sets: Sequence[BackupSet], parts: Sequence[str], now: datetime
) -> tuple[BackupSet, tuple[str, ...]]:
    """The newest of `sets`, given newest first, that is good, not dated ahead of `now`, holds all
    `parts` and is no safety backup of a restore; and what to tell of the newer ones.

    Raises NotFound.
    """
    skipped: list[str] = []
    for one in sets:
        why = _why_not(one, parts, now)
        if not why:
            return one, _told(skipped)
        skipped.append(f"{one.id} ({why})")
    hint = f"Not taken: {_some(skipped)}. One of them is restored by its ID." if skipped else ""
    raise NotFound(
        f"There is no good backup of {target} with {words.join(list(parts))}.", hint=hint
    )


def _why_not(one: BackupSet, parts: Sequence[str], now: datetime) -> str:
    manifest: Manifest | None = one.good
    if manifest is None:
        return "not to be trusted"
    if dated_ahead(manifest, now):
        return AHEAD
    if _OF_BROKEN.fullmatch(manifest.reason):
        return f"the safety backup {manifest.reason}"
    missing = [part for part in parts if part not in manifest.parts]
    return f"holds no {words.join(missing, 'or')}" if missing else ""


def _told(skipped: Sequence[str]) -> tuple[str, ...]:
    return (f"{Sign.WARNING} Newer and not taken: {_some(skipped)}.",) if skipped else ()


def _some(skipped: Sequence[str]) -> str:
    more = len(skipped) - _NAMED
    return words.join([*skipped[:_NAMED], *([f"{more} more"] if more > 0 else [])])


def _identity(path: Path) -> str:
    """Tells one file's contents from another's without reading all of a large one."""
    found = path.stat()
    digest = hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(_ENDS))
        file.seek(max(0, found.st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()
