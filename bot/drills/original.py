"""What of production's server a scratch one needs, so that its databases can be restored there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.drills.sql import Session
from bot.targets.scratch_setup import ScratchSettings

# Columns of pg_database differ between versions; 10 is the role that initdb made. The settings are
# those that dumps and queries come out differently with; what an extension brings has a dot.
_LOOK = """
select json_build_object(
    'superuser', (select rolname from pg_catalog.pg_roles where oid = 10),
    'version', current_setting('server_version_num')::int,
    'size', pg_catalog.pg_database_size(d.oid),
    'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
    'database', to_jsonb(d),
    'search_path', current_setting('search_path'),
    'messages', current_setting('lc_messages'),
    'directory', (select setting from pg_catalog.pg_settings where name = 'data_directory'),
    'known', exists (select from pg_catalog.pg_settings where name = 'shared_preload_libraries'),
    'settings', (select coalesce(json_object_agg(name, setting), '{}') from pg_catalog.pg_settings
                 where source <> 'default' and source <> 'client'
                   and (name like '%.%' or name in (
                       'shared_preload_libraries', 'session_preload_libraries',
                       'local_preload_libraries', 'dynamic_library_path', 'extension_control_path',
                       'max_locks_per_transaction', 'max_worker_processes',
                       'TimeZone', 'DateStyle', 'IntervalStyle', 'default_text_search_config',
                       'standard_conforming_strings')))
) from pg_catalog.pg_database d where datname = current_database();
"""

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


@dataclass(frozen=True)
class Original:
    """Production's server and its database, as far as a scratch one is made after them.

    `size` is the database's, in bytes. `locale` is that of a provider other than the C library,
    `provider` is "" before version 15. `settings` are those of the server that matter; `known`
    says whether the server has shown them all. `directory` is where its data are, "" if it hides
    that; `english` is whether its messages are, by which failures are told apart.
    """

    superuser: str
    major: int
    size: int
    encoding: str
    collate: str
    ctype: str
    provider: str
    locale: str
    search_path: str
    settings: Mapping[str, str]
    known: bool
    directory: str
    english: bool

    def scratch_settings(self) -> ScratchSettings:
        """How a cluster is made that the original's database can be made in."""
        # The database is given its own encoding and locale. Its name is UTF-8 in any case.
        options = ("--encoding=UTF8", "--locale=C")
        # Jobs of production's must not run in a copy of it.
        quiet = {"cron.launch_active_jobs": "off"}
        return ScratchSettings(self.superuser, self.major, options, {**self.settings, **quiet})

    def create_database(self) -> tuple[str, Mapping[str, str]]:
        """SQL that makes an empty database `:"name"` like the original, and its variables."""
        statement = (
            "create database :\"name\" template template0 encoding :'encoding'"
            " lc_collate :'collate' lc_ctype :'ctype'"
        )
        if self.provider:
            statement += f" locale_provider {self.provider}"
        if self.provider in ("icu", "builtin"):
            statement += f" {self.provider}_locale :'locale'"
        values = {"encoding": self.encoding, "collate": self.collate, "ctype": self.ctype}
        return f"{statement};", values | {"locale": self.locale}


async def look_at_original(session: Session) -> Original:
    """Asks production's server. Raises Failed and Unavailable."""
    found = await session.value("Asking for the server's settings", _LOOK)
    row = found["database"]
    return Original(
        superuser=found["superuser"],
        major=found["version"] // 10000,
        size=found["size"],
        encoding=found["encoding"],
        collate=row["datcollate"],
        ctype=row["datctype"],
        provider=_PROVIDERS.get(row.get("datlocprovider", ""), ""),
        locale=row.get("datlocale") or row.get("daticulocale") or "",
        search_path=found["search_path"],
        settings=found["settings"],
        known=found["known"],
        directory=found["directory"] or "",
        english=found["messages"].partition(".")[0] in ("", "C", "POSIX")
        or found["messages"].startswith("en"),
    )
