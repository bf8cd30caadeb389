"""Plans of restores: what is restored, what it replaces, and the exact way there and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from bot import words
from bot.backups.model import CONFIG, DATABASE, BackupSet, Manifest
from bot.backups.service import Backups
from bot.backups.sources import known_parts, parts_of
from bot.backups.threads import in_thread
from bot.config import targets as configured
from bot.errors import NotFound, Refused
from bot.operations.plan import Confirm, Plan, PlannedStep, Recovery
from bot.restores.choosing import latest
from bot.restores.model import (
    ACCESS,
    FILE,
    RUNBOOK,
    UNDO_RUNBOOK,
    Kept,
    aside_name,
    file_name,
    incoming_name,
)
from bot.restores.running import dumps_directory
from bot.restores.server import Server
from bot.targets.model import Target
from bot.words import Sign, utc_now

_TIME = "TIME"
_ENDS = 1 << 20


@dataclass(frozen=True)
class Chosen:
    """What is to be restored: a set with its manifest, or a plain dump (`manifest` None)."""

    id: str
    parts: tuple[str, ...]
    digest: str
    manifest: Manifest | None
    notes: tuple[str, ...] = ()


class Planning:
    """Plans for one target. Reads the world and changes nothing."""

    def __init__(self, backups: Backups, target: Target, settings: configured.Target) -> None:
        self._backups = backups
        self._target = target
        self._settings = settings

    async def restore(self, parameters: Mapping[str, Any]) -> Plan:
        """The plan of a restore; `parameters`: the `set`, its `parts`, whether a `backup` is taken
        before. Raises NotFound and Refused."""
        chosen = await self._chosen(str(parameters["set"]), parameters.get("parts") or ())
        live = await self._live() if DATABASE in chosen.parts else None
        include = self._replaced(chosen.parts, live)
        backup = bool(parameters.get("backup", True))
        safety = self._safety(include) if backup else ()
        title = f"Restore {self._target.name} from {chosen.id}"
        return Plan(
            runbook=RUNBOOK,
            title=title,
            target=self._target.name,
            steps=(self._check(chosen), *safety, *self._steps(chosen, live)),
            facts={
                "set": chosen.id,
                "digest": chosen.digest,
                "parts": list(chosen.parts),
                "database": live,
                "include": list(include),
            },
            parameters={"set": chosen.id, "parts": list(chosen.parts), "backup": backup},
            access=ACCESS,
            confirm=Confirm.NAME,
            recovery=Recovery.ASK,
            notes=(*chosen.notes, *self._notes(chosen, live, backup=backup)),
            undo=f"/restore undo, within {self._undo_for}: each part by itself",
        )

    async def undo(self, kept: Sequence[Kept]) -> Plan:
        """The plan that puts back what restores have replaced."""
        live = await self._live() if any(one.part == DATABASE for one in kept) else None
        steps = [self._undo_step(one, live) for one in kept]
        numbers = ", ".join(sorted({str(one.operation) for one in kept}))
        return Plan(
            runbook=UNDO_RUNBOOK,
            title=f"Undo the restore of {self._target.name}",
            target=self._target.name,
            steps=tuple(steps),
            facts={
                "kept": [one.id for one in kept],
                "parts": [one.part for one in kept],
                "database": live,
            },
            parameters={"kept": [one.id for one in kept]},
            access=ACCESS,
            confirm=Confirm.NAME,
            recovery=Recovery.ASK,
            notes=(
                f"Puts back what was replaced by operation {numbers}.",
                f"{Sign.WARNING} What was written since goes aside, and is kept as well:",
                f"/restore undo brings it back within {self._undo_for}.",
            ),
            undo=f"/restore undo, within {self._undo_for}",
        )

    async def _chosen(self, wanted: str, parts: Sequence[str]) -> Chosen:
        if name := file_name(wanted):
            return await self._file(name, parts)
        found, notes = await self._set(wanted, parts)
        if found.manifest is None:
            raise Refused(f"{found.id} cannot be restored: {found.trouble}.")
        manifest = found.manifest
        held = [part for part in known_parts(self._settings) if part in manifest.parts]
        asked = self._backups.parts(self._target.name, parts) or tuple(held)
        if missing := [part for part in asked if part not in manifest.parts]:
            raise Refused(
                f"{found.id} holds no {words.join(missing, 'or')}.",
                hint=f"It holds {words.join(manifest.ordered_parts)}.",
            )
        digest = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
        if found.trouble:
            notes = (f"{Sign.WARNING} This backup is not to be trusted: {found.trouble}.",)
        return Chosen(found.id, tuple(asked), digest, manifest, notes)

    async def _set(self, wanted: str, parts: Sequence[str]) -> tuple[BackupSet, tuple[str, ...]]:
        """The set of that ID, or what `latest` means; and what to tell of the choice."""
        name = self._target.name
        if wanted.lower() != "latest":
            return await self._backups.find(name, wanted), ()
        asked = self._backups.parts(name, parts or self._backups.policy(name).include)
        return latest(name, await self._backups.sets(name), asked)

    async def _file(self, name: str, parts: Sequence[str]) -> Chosen:
        if any(part.lower() != DATABASE for part in parts):
            raise Refused(f"{name} holds a database alone.")
        path = dumps_directory(self._backups, self._target.name) / name
        if not await in_thread(path.is_file):
            raise NotFound(f"There is no {path}.", hint="Dumps lie beside the backups' sets.")
        return Chosen(f"{FILE}{name}", (DATABASE,), await in_thread(_identity, path), None)

    async def _live(self) -> int | None:
        """The oid of the database that is in place; None where there is none."""
        server = Server(self._target, f"opsbell restore plan {self._target.name}")
        found = await server.database(self._target.database().name)
        return int(found["oid"]) if found else None

    def _replaced(self, parts: Sequence[str], live: int | None) -> tuple[str, ...]:
        """The parts to be backed up before: those that are there."""
        there = [part for part in parts if part != DATABASE or live is not None]
        return tuple(part for part in there if part == DATABASE or self._is_there(part))

    def _is_there(self, part: str) -> bool:
        [source] = parts_of(self._settings, [part])
        return bool(source.service) or all(each.path.exists() for each in source.sources)

    def _safety(self, include: Sequence[str]) -> tuple[PlannedStep, ...]:
        if not include:
            return ()
        steps = self._backups.steps(self._target.name, include, title="Safety backup")
        return tuple(replace(step, stands=True) for step in steps)

    def _check(self, chosen: Chosen) -> PlannedStep:
        what = chosen.id if chosen.manifest is None else f"{chosen.id}: {', '.join(chosen.parts)}"
        return PlannedStep(
            "restore.check",
            "Check",
            command=f"sha256sum --check ({what})\nroom, rights and tools of the server",
        )

    def _steps(self, chosen: Chosen, live: int | None) -> list[PlannedStep]:
        files = [part for part in chosen.parts if part != DATABASE]
        database = DATABASE in chosen.parts
        return [
            *([self._load(chosen)] if database else []),
            *(self._unpack(part) for part in files),
            *([self._swap(live)] if database else []),
            *(self._move(part) for part in files),
        ]

    def _load(self, chosen: Chosen) -> PlannedStep:
        name = self._target.database().name
        new = quote(incoming_name(name, _TIME))
        tool = f"pg_restore --exit-on-error --jobs=… --dbname={new}"
        if chosen.manifest is None:
            tool = f"psql --set=ON_ERROR_STOP=1 --dbname={new} < {chosen.id.removeprefix(FILE)}"
        service = self._target.database().service
        return PlannedStep(
            "restore.load",
            "Load the database beside",
            command=f"createdb {new}\n{tool}\nanalyze; count of rows"
            + (f" (in {service})" if service else ""),
            undo=f"{new} is removed",
        )

    def _swap(self, live: int | None) -> PlannedStep:
        name = self._target.database().name
        aside, new = aside_name(name, _TIME), incoming_name(name, _TIME)
        first = f"alter database {_sql(name)} rename to {_sql(aside)};\n" if live else ""
        return PlannedStep(
            "restore.swap",
            "Swap the database",
            {"live": live},
            command=f"{first}alter database {_sql(new)} rename to {_sql(name)};",
            risk="sessions are ended and the application is away for a moment; what was written"
            " after the backup is in the old database alone",
            undo="the names are swapped back" if live else "",
        )

    def _unpack(self, part: str) -> PlannedStep:
        return PlannedStep(
            "restore.unpack",
            f"Unpack {_called(part)} beside",
            {"part": part},
            command=f"tar -x < {part}.tar.zst (beside {self._place(part)})",
            undo="what was unpacked is removed",
        )

    def _move(self, part: str) -> PlannedStep:
        return PlannedStep(
            "restore.move",
            f"Move {_called(part)} in",
            {"part": part},
            command=f"mv (the contents of {self._place(part)}, one by one)",
            risk="files that were added after the backup are aside afterwards",
            undo="the old files are moved back",
        )

    def _undo_step(self, kept: Kept, live: int | None) -> PlannedStep:
        if kept.part == DATABASE:
            name, place = str(kept.place["name"]), kept.place
            aside = aside_name(name, _TIME)
            return PlannedStep(
                "restore.swap",
                "Swap the database back",
                {
                    "live": live,
                    "incoming": {"oid": place["oid"], "name": place["database"]},
                    "kept": kept.id,
                },
                command=f"alter database {_sql(name)} rename to {_sql(aside)};\n"
                f"alter database {_sql(str(place['database']))} rename to {_sql(name)};",
                risk="sessions are ended; what was written since the restore goes aside",
                undo="the names are swapped again",
            )
        return PlannedStep(
            "restore.move",
            f"Move {_called(kept.part)} back",
            {"part": kept.part, "kept": kept.id, "place": dict(kept.place)},
            command=f"mv (the contents of {self._place(kept.part)}, one by one)",
            risk="files that were added since the restore go aside",
            undo="the files are moved again",
        )

    def _notes(self, chosen: Chosen, live: int | None, *, backup: bool) -> list[str]:
        notes = []
        if chosen.manifest:
            taken = chosen.manifest.started
            notes.append(
                f"The backup is of {taken:%Y-%m-%d %H:%M} UTC, {words.ago(taken, utc_now())}."
            )
        else:
            notes.append(f"{chosen.id.removeprefix(FILE)} says nothing of when it was taken.")
        notes.append(
            f"Replaced: {words.join(list(chosen.parts))}. What is there now is kept for"
            f" {self._undo_for}."
        )
        if DATABASE in chosen.parts and live is None:
            notes.append(f"{Sign.WARNING} There is no database {self._target.database().name} now.")
        if len(chosen.parts) > 1:
            notes.append("Database and files are separate steps; each is undone by itself.")
        if not backup:
            notes.append(f"{Sign.WARNING} No safety backup is taken before, as you asked.")
        if self._settings.maintenance is None:
            notes.append("No maintenance file is configured: visitors may see errors for a moment.")
        return notes

    def _place(self, part: str) -> str:
        [source] = parts_of(self._settings, [part])
        if source.service:
            return f"{source.inner} in {source.service}"
        return ", ".join(str(each.path) for each in source.sources)

    @property
    def _undo_for(self) -> str:
        return words.duration(self._backups.policy(self._target.name).undo_for)


def _identity(path: Path) -> str:
    """Tells one file's contents from another's without reading all of a large one."""
    found = path.stat()
    digest = hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(_ENDS))
        file.seek(max(0, found.st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()


def _called(part: str) -> str:
    return "the configuration" if part == CONFIG else part


def _sql(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
