"""A target's PostgreSQL, asked with the tools that back it up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from bot.config.words import nearest
from bot.doctor.model import Finding, well, wrong
from bot.errors import NotFound
from bot.targets.model import Completed, DatabasePlace, Target
from bot.words import join

SUBJECT = "Database"
TOOLS = ("psql", "pg_dump", "pg_dumpall", "pg_restore", "vacuumdb")
_LIMIT = timedelta(seconds=5)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# What pg_dump has to read: tables and sequences of the application's own. Row security that
# applies to this user makes it stop, too.
_ABOUT = """
select current_setting('server_version_num')::int / 10000;
with own as (
    select c.oid, c.relkind, c.relnamespace from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'S') and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
    order by c.relkind = 'S', n.nspname, c.relname
)
select oid::regclass, row_security_active(oid) from own
where not case relkind when 'S' then has_sequence_privilege(oid, 'SELECT')
                       else has_table_privilege(oid, 'SELECT') end
   or not has_schema_privilege(relnamespace, 'USAGE')
   or row_security_active(oid)
limit 1
"""
_DATABASES = (
    "select datname from pg_catalog.pg_database where datallowconn and not datistemplate order by 1"
)


@dataclass(frozen=True)
class DatabaseLook:
    """One target's database. `made_with` are POSTGRES_USER and POSTGRES_DB of its container, as
    far as they are known: what a new server was made with."""

    area: str
    target: Target
    made_with: dict[str, str]

    async def findings(self) -> list[Finding]:
        """Whether the tools are there, the sign-in works, and all tables can be read."""
        place = self.target.database()
        try:
            tools = min([await self._version(place, tool) for tool in TOOLS])
        except NotFound as error:
            image = (
                f"Correct {self._key}.service, or add PostgreSQL's client programs to its image."
            )
            return [wrong(self.area, SUBJECT, error.message, error.hint or image)]
        done = await self._psql(place, _ABOUT, place.name)
        if done.status:
            return [await self._refused(place, done.stderr)]
        return [self._judged(place, tools, done.stdout.splitlines())]

    def _judged(self, place: DatabasePlace, tools: int, told: list[str]) -> Finding:
        server = int(told[0])
        if tools < server:
            says = f"pg_dump {tools} cannot back up the server, which is PostgreSQL {server}."
            todo = f"Install PostgreSQL's client programs of version {server} or newer"
            where = f"in the service {place.service}" if place.service else "on this machine"
            return wrong(self.area, SUBJECT, says, f"{todo} {where}.")
        user = place.environment.get("PGUSER", "")
        if unreadable := told[1:]:
            table, _, by_row = unreadable[0].rpartition("|")
            says = f"{user} may not read all tables: {table} for one."
            right = f"ALTER ROLE {user} BYPASSRLS;" if by_row == "t" else ""
            todo = right or f"GRANT pg_read_all_data TO {user};"
            return wrong(self.area, SUBJECT, says, f"Run as a superuser of PostgreSQL: {todo}")
        return well(
            self.area, SUBJECT, f"PostgreSQL {server}; {user} can read all of {place.name}."
        )

    async def _refused(self, place: DatabasePlace, errors: str) -> Finding:
        """Why psql was not let in, and which setting to correct."""
        key, user = self._key, place.environment.get("PGUSER", "")
        address = _address(place)
        name = f"{key}.name" if place.service else f"the name in {key}.url"
        role = f"{key}.user" if place.service else f"the user in {key}.url"
        password = f"{key}.password" if place.service else f"the password in {key}.url"
        if re.search(r'database ".*" does not exist', errors):
            known = await self._databases(place)
            says = f"The server has no database {place.name}{nearest(place.name, known)}."
            there = f": there are {join(known)}" if known else ""
            return wrong(self.area, SUBJECT, says, f"Correct {name}{there}.")
        if re.search(r'role ".*" does not exist', errors):
            meant = self.made_with.get("POSTGRES_USER")
            hint = f": the service was made with {meant}" if meant else ""
            return wrong(
                self.area, SUBJECT, f"The server has no user {user}.", f"Correct {role}{hint}."
            )
        if "no password supplied" in errors:
            says = f"The server asks {user} for a password, and none is configured."
            return wrong(self.area, SUBJECT, says, f"Set {password}.")
        if "authentication failed" in errors:
            says = f"The server does not let {user} in with this password, or does not know {user}."
            return wrong(self.area, SUBJECT, says, f"Correct {password}.")
        if "could not translate host name" in errors:
            says = f"The machine {place.environment.get('PGHOST', '')} is not known."
            return wrong(self.area, SUBJECT, says, f"Correct the machine in {key}.url.")
        if "onnection refused" in errors or "No such file or directory" in errors:
            says = f"Nobody listens at {address}."
            return wrong(self.area, SUBJECT, says, f"Start PostgreSQL, or correct {key}.")
        says = f"psql is refused: {_reason(errors)}."
        return wrong(self.area, SUBJECT, says, f"Correct {key}, or what the server allows.")

    @property
    def _key(self) -> str:
        return f"targets.{self.target.name}.database"

    async def _databases(self, place: DatabasePlace) -> list[str]:
        """The databases there are, as far as the one that always is lets us see them."""
        done = await self._psql(place, _DATABASES, "postgres")
        return done.stdout.splitlines() if done.status == 0 else []

    async def _version(self, place: DatabasePlace, tool: str) -> int:
        done = await self.target.run(
            [self.target.tool(tool), "--version"], timeout=_LIMIT, service=place.service
        )
        found = _VERSION.search(done.stdout)
        return int(found[1]) if found else 0

    async def _psql(self, place: DatabasePlace, query: str, database: str) -> Completed:
        argv = [self.target.tool("psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
        named = {"PGDATABASE": database, "PGCONNECT_TIMEOUT": "4", "LC_MESSAGES": "C"}
        return await self.target.run(
            [*argv, "--no-password", "--set=ON_ERROR_STOP=1"],
            timeout=_LIMIT,
            service=place.service,
            environment={**place.environment, **named},
            stdin=query.encode(),
        )


def _address(place: DatabasePlace) -> str:
    if place.service:
        return f"PostgreSQL's socket in the service {place.service}"
    host = place.environment.get("PGHOST", "PostgreSQL's own socket")
    return f"{host}:{place.environment.get('PGPORT', '5432')}"


def _reason(errors: str) -> str:
    """The part of psql's message that says what is wrong: the last, after where it connected."""
    line = next((line for line in errors.splitlines() if line.strip()), "it says nothing")
    for before in ("psql: error: ", " failed: ", "FATAL:  ", "ERROR:  "):
        line = line.rpartition(before)[2]
    return line.strip().rstrip(".")
