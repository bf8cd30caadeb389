"""Where a drill restores to: a scratch server of production's image, or a scratch database."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from bot import words
from bot.backups.removing import DROP, END_SESSIONS
from bot.backups.threads import in_thread
from bot.drills.original import Original, look_at_original
from bot.drills.sql import Session
from bot.errors import Failed, OpsbellError
from bot.targets.model import DatabasePlace, Target
from bot.targets.scratch import ScratchServer

logger = logging.getLogger(__name__)

_GROWTH = 1.2
_PACKED = 3
"""How much smaller than its database a dump usually is at least."""

SPARE = 1 << 30
"""Bytes that are left free where a drill restores to: production's data may be on the same disk."""

_MAKE_LIMIT = timedelta(minutes=10)
_DROP_LIMIT = timedelta(minutes=5)


class Place(Protocol):
    """Where one drill restores to. What `make` returned is what the other methods are given.

    All raise Failed and Unavailable.
    """

    @property
    def target(self) -> Target:
        """Where its tools run."""
        ...

    async def make(self, dump: int) -> Mapping[str, Any]:
        """Makes the empty database, once what is left of others is gone: JSON values, with a
        `note` for people. `dump` are the bytes of what will be restored into it."""
        ...

    def database(self, made: Mapping[str, Any]) -> DatabasePlace:
        """The database that was made."""
        ...

    async def room(self, made: Mapping[str, Any]) -> int | None:
        """The bytes that are free where its data are; None where that is not known."""
        ...

    async def trouble(self) -> str:
        """What is wrong with the place itself, "" where nothing is."""
        ...

    async def remove(self, made: Mapping[str, Any], roles: Sequence[str]) -> None:
        """Removes all of it, also what was made in half, and proves it gone. `made` is empty where
        that is not known; `roles` are those that the restore made where they were missing."""
        ...


class ServerPlace:
    """A server of production's own image, alone in a container."""

    def __init__(self, original: Session, server: ScratchServer, image: str) -> None:
        self._original = original
        self._server = server
        self._image = image

    @property
    def target(self) -> Target:
        """The scratch server as a target."""
        return self._server

    async def make(self, dump: int) -> Mapping[str, Any]:
        """Starts the server, and makes sure that there is room in it: for the database as
        production's is now, and for a copy of the dump beside it."""
        original = await look_at_original(self._original)
        await self._server.start(original.scratch_settings(), self._image)
        free, needed = await self._server.free(), _needed(original, dump) + dump
        if free < needed:
            raise Failed(
                f"Not enough space for a scratch server: {words.size(free)} free where Docker keeps"
                f" its data, about {words.size(needed)} needed.",
                hint="Free some: docker system df says what takes it.",
            )
        made = {"superuser": original.superuser}
        place = replace(self.database(made), name="template1")
        statement, variables = original.create_database()
        # Where production uses `postgres` itself, that is there already, in another locale.
        await Session(self._server, place, self._original.mark).lines(
            "Making the scratch database",
            f'drop database if exists :"name";\n{statement}',
            {**variables, "name": self._original.place.name},
            limit=_MAKE_LIMIT,
        )
        return {**made, "search_path": original.search_path, "note": self._note(original, free)}

    def database(self, made: Mapping[str, Any]) -> DatabasePlace:
        """The database of production's name on the scratch server."""
        return self._server.place(made["superuser"], self._original.place.name)

    async def room(self, made: Mapping[str, Any]) -> int | None:
        """The room where Docker keeps the server's data."""
        return await self._server.free()

    async def trouble(self) -> str:
        """Whether the server has ended."""
        why = await self._server.ended()
        return f"the scratch server did not live: {why}" if why else ""

    async def remove(self, made: Mapping[str, Any], roles: Sequence[str]) -> None:
        """Removes the container with its volume, and all else of it."""
        await self._server.remove()

    def _note(self, original: Original, free: int) -> str:
        note = f"PostgreSQL {original.major}, {words.size(free)} free"
        if libraries := original.settings.get("shared_preload_libraries"):
            note += f", with {libraries}"
        return note if original.known else f"{note}; the server's own settings are not shown to us"


class DatabaseInPlace:
    """A database of its own on production's server, where no container has one.

    `owner` is this Opsbell's own name: another one may drill the same target, and only its own
    leftovers are removed.
    """

    def __init__(self, original: Session, name: str, owner: str) -> None:
        self._original = original
        self._name = name
        self._owner = owner

    @property
    def target(self) -> Target:
        """The target itself."""
        return self._original.target

    async def make(self, dump: int) -> Mapping[str, Any]:
        """Creates the database, like production's."""
        original = await look_at_original(self._original)
        directory = original.directory if _is_here(self._original.place) else ""
        free, needed = await _free(directory), _needed(original, dump)
        if free is not None and free < needed:
            raise Failed(
                f"Not enough space for a scratch database: {words.size(free)} free in {directory},"
                f" about {words.size(needed)} needed."
            )
        for name in await self._left_behind():
            await self._drop(name)
        statement, variables = original.create_database()
        remark = "comment on database :\"name\" is :'remark';"
        try:
            await self._beside().lines(
                "Making the scratch database",
                f"{statement}\n{remark}",
                {**variables, "name": self._name, "remark": self._remark},
                limit=_MAKE_LIMIT,
            )
        except Failed as error:
            if "permission denied" not in error.message:
                raise
            hint = "A drill needs the right to make databases: alter role … createdb."
            raise Failed(error.message, hint=hint, output=error.output) from error
        return {
            "roles": await self._roles(),
            "search_path": original.search_path,
            "directory": directory,
            "english": original.english,
            "note": self._name + (f", {words.size(free)} free" if free is not None else ""),
        }

    def database(self, made: Mapping[str, Any]) -> DatabasePlace:
        """The scratch database, signed in to as to production's."""
        return replace(self._original.place, name=self._name)

    async def room(self, made: Mapping[str, Any]) -> int | None:
        """The room where the server keeps its data, if that is on this machine."""
        return await _free(str(made.get("directory", "")))

    async def trouble(self) -> str:
        """Whether the server no longer answers."""
        try:
            await self._beside().lines("Asking the server", "select;")
        except OpsbellError as error:
            return error.message
        return ""

    async def remove(self, made: Mapping[str, Any], roles: Sequence[str]) -> None:
        """Drops the database, and of the `roles` those that the server did not have before. One
        that anything depends on by now stays."""
        await self._drop(self._name)
        if "roles" not in made:
            return
        for role in sorted({*roles} & {*await self._roles()} - {*made["roles"]}):
            try:
                await self._beside().lines("Removing a role of the drill", f"drop role {role};")
            except Failed as error:
                logger.warning("role of a drill stays", extra={"error": str(error)})

    async def _drop(self, name: str) -> None:
        # What a killed drill has started may still be making the database: that ends first.
        await self._beside().lines(
            "Removing the scratch database",
            END_SESSIONS + DROP,
            {"name": name},
            limit=_DROP_LIMIT,
        )

    async def _left_behind(self) -> Sequence[str]:
        """The scratch databases of drills that nobody could remove."""
        return await self._beside().lines(
            "Looking for scratch databases",
            "select datname from pg_catalog.pg_database"
            " where pg_catalog.shobj_description(oid, 'pg_database') = :'remark';",
            {"remark": self._remark},
        )

    async def _roles(self) -> list[str]:
        query = "select quote_ident(rolname) from pg_catalog.pg_roles;"
        return await self._beside().lines("Asking for the roles", query)

    def _beside(self) -> Session:
        """A session that is in neither of the two databases."""
        place = self._original.place
        return replace(
            self._original,
            place=replace(place, name="postgres" if place.name != "postgres" else "template1"),
        )

    @property
    def _remark(self) -> str:
        target = self._original.target.name
        return (
            f"Scratch database of the restore drills of {target} by the Opsbell called"
            f" {self._owner}; may be dropped when none runs."
        )


def _needed(original: Original, dump: int) -> int:
    """About what a restored database takes: production may have lost since what the dump holds."""
    return max(int(original.size * _GROWTH), dump * _PACKED) + SPARE


def _is_here(place: DatabasePlace) -> bool:
    """Whether a server is one of this machine's."""
    host = place.environment.get("PGHOST", "")
    return host in ("", "localhost", "127.0.0.1", "::1") or host.startswith("/")


async def _free(directory: str) -> int | None:
    """The bytes free around a directory; None where that cannot be seen."""
    try:
        return (await in_thread(shutil.disk_usage, directory)).free if directory else None
    except OSError:
        return None
