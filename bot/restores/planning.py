"""Plans of restores: what is restored, what it replaces, and the exact way there and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from bot import words
from bot.backups.model import CONFIG, DATABASE
from bot.backups.service import Backups
from bot.backups.sources import parts_of
from bot.backups.view import plain_origin
from bot.config import targets as configured
from bot.operations.plan import Confirm, Plan, PlannedStep, Recovery
from bot.restores.choosing import Choosing, Chosen
from bot.restores.model import (
    ACCESS,
    FILE,
    MOVE,
    RUNBOOK,
    SWAP,
    UNDO_RUNBOOK,
    Kept,
    aside_name,
    incoming_name,
)
from bot.restores.server import Server
from bot.slack import blocks
from bot.targets.model import Target
from bot.words import Sign, utc_now

NamesOf = Callable[[Iterable[str]], Awaitable[Mapping[str, str]]]
"""What the actors of the event log are called."""


async def by_id(actors: Iterable[str]) -> Mapping[str, str]:
    """Their IDs, where nobody is asked for more."""
    return {actor: actor.partition(":")[2] or actor for actor in actors}


_TIME = "TIME"


class Planning:
    """Plans for one target. Reads the world and changes nothing. `names` says what people are
    called."""

    def __init__(
        self, backups: Backups, target: Target, settings: configured.Target, names: NamesOf
    ) -> None:
        self._backups = backups
        self._target = target
        self._settings = settings
        self._names = names

    async def restore(self, parameters: Mapping[str, Any]) -> Plan:
        """The plan of a restore. Raises NotFound and Refused.

        `parameters`: the `set`, its `parts`, whether a `backup` is taken before; and where no parts
        are named, whether the `whole` set is meant (so without it) or the database alone.
        """
        choosing = Choosing(self._backups, self._target.name, self._settings)
        chosen = await choosing.chosen(
            str(parameters["set"]),
            parameters.get("parts") or (),
            whole=bool(parameters.get("whole", True)),
        )
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
            notes=(
                *_not_replaced(chosen),
                *chosen.notes,
                *await self._notes(chosen, live, backup=backup),
            ),
            undo=f"/restore undo, within {self._undo_for}: each part by itself",
            parts=tuple(chosen.parts),
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
            parts=tuple(one.part for one in kept),
            takes_back=tuple((one.operation, one.part) for one in kept),
        )

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
            command=f"createdb {new}\n{tool}\nrough statistics; count of rows"
            + (f" (in {service})" if service else ""),
            undo=f"{new} is removed",
        )

    def _swap(self, live: int | None) -> PlannedStep:
        name = self._target.database().name
        aside, new = aside_name(name, _TIME), incoming_name(name, _TIME)
        first = f"alter database {_sql(name)} rename to {_sql(aside)};\n" if live else ""
        return PlannedStep(
            SWAP,
            "Swap the database",
            {"live": live},
            command=self._away(f"{first}alter database {_sql(new)} rename to {_sql(name)};"),
            risk=f"sessions are ended and {self._visitors}; what was written after the backup is in"
            " the old database alone",
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
            MOVE,
            f"Move {_called(part)} in",
            {"part": part},
            command=self._away(f"mv (the contents of {self._place(part)}, one by one)"),
            risk="files that were added after the backup are aside afterwards",
            undo="the old files are moved back",
        )

    def _undo_step(self, kept: Kept, live: int | None) -> PlannedStep:
        if kept.part == DATABASE:
            name, place = str(kept.place["name"]), kept.place
            aside = aside_name(name, _TIME)
            return PlannedStep(
                SWAP,
                "Swap the database back",
                {
                    "live": live,
                    "incoming": {"oid": place["oid"], "name": place["database"]},
                    "kept": kept.id,
                },
                command=self._away(
                    f"alter database {_sql(name)} rename to {_sql(aside)};\n"
                    f"alter database {_sql(str(place['database']))} rename to {_sql(name)};"
                ),
                risk=f"sessions are ended and {self._visitors}; what was written since the restore"
                " goes aside",
                undo="the names are swapped again",
            )
        return PlannedStep(
            MOVE,
            f"Move {_called(kept.part)} back",
            {"part": kept.part, "kept": kept.id, "place": dict(kept.place)},
            command=self._away(f"mv (the contents of {self._place(kept.part)}, one by one)"),
            risk="files that were added since the restore go aside",
            undo="the files are moved again",
        )

    def _away(self, command: str) -> str:
        """A step's command with the maintenance that is around it, where a file is configured."""
        if self._settings.maintenance is None:
            return command
        return f"maintenance on, unless it is\n{command}\nmaintenance off, unless it was on before"

    @property
    def _visitors(self) -> str:
        if self._settings.maintenance is None:
            return "the application is away for a moment"
        return "visitors see the maintenance page for a moment"

    async def _notes(self, chosen: Chosen, live: int | None, *, backup: bool) -> list[str]:
        notes = []
        if manifest := chosen.manifest:
            why = plain_origin(manifest, await self._names([manifest.by]))
            taken = blocks.day_and_time(manifest.started)
            age = words.ago(manifest.started, utc_now())
            notes.append(f"The backup is of {taken}, {age}: {why}.")
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


def _not_replaced(chosen: Chosen) -> list[str]:
    if not chosen.others:
        return []
    held = f"Not replaced: {words.join(list(chosen.others))}, which the backup holds as well."
    return [f"{held} /restore {chosen.id} all replaces everything."]


def _called(part: str) -> str:
    return "the configuration" if part == CONFIG else part


def _sql(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
