"""What restores have left behind where people chose to leave it, after a crash or a failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from bot.backups.sources import Part
from bot.restores.files_here import STAGE, has_journal, stages_of
from bot.restores.model import Kept, incoming_name
from bot.restores.server import Server, ident

# Whom somebody is connected to is in use: another Opsbell may be loading it.
_INCOMING = """
select datname as name from pg_catalog.pg_database d
where datname like '%\\_restoring\\_%'
    and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)
order by datname
"""


async def databases_left(server: Server) -> list[str]:
    """The statements that drop databases which were loaded beside the server's own and never took
    its name. Only right while no restore of the target is under way."""
    rows = await server.rows("Looking for what restores have left", _INCOMING)
    names = [str(row["name"]) for row in rows]
    return [f"drop database {ident(name)};" for name in names if _is_incoming(name, server)]


def files_left(parts: Sequence[Part], kept: Sequence[Kept]) -> list[str]:
    """The commands that remove files of this machine which were unpacked beside the live ones.
    Where these may have been exchanged, old files lie there: such a place is named alone.

    Only right while no restore of the target is under way. Blocking; raises OSError and Failed
    where the files cannot be looked at.
    """
    known = {each["directory"] for one in kept for each in one.place.get("stages", ())}
    found: dict[Path, str] = {}
    for part in parts:
        for stage in stages_of(part, ""):
            for place in {stage.live.parent, stage.live}:
                for each in place.glob(f"{STAGE}{part.name}-*"):
                    if each.is_dir() and str(each) not in known:
                        found[each] = _told(each)
    return [found[each] for each in sorted(found)]


def _told(directory: Path) -> str:
    if has_journal(directory):
        return f"{directory} (may hold replaced files: look before it is removed)"
    return f"rm -r -- {quote(str(directory))}"


def _is_incoming(name: str, server: Server) -> bool:
    stamp = name.rpartition("_restoring_")[2]
    return name == incoming_name(server.place.name, stamp)
