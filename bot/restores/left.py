"""What restores have left behind where people chose to leave it, after a crash or a failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join, quote

from bot.backups.sources import Part
from bot.restores.files_here import has_journal
from bot.restores.files_in_service import stages_in
from bot.restores.model import Kept, incoming_name
from bot.restores.server import Server, ident
from bot.restores.stages import STAGE, stages_of
from bot.targets.model import Target

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


def files_left(parts: Sequence[Part], known: Sequence[Kept]) -> list[str]:
    """The commands that remove files of this machine which were unpacked beside the live ones, and
    that nothing is `known` of. Where these may have been exchanged, old files lie there: such a
    place is named alone.

    Only right while no restore of the target is under way. Blocking; raises OSError and Failed
    where the files cannot be looked at.
    """
    told = {each["directory"] for one in known for each in one.place.get("stages", ())}
    found: dict[Path, str] = {}
    for part in parts:
        for stage in stages_of(part, ""):
            for place in {stage.live.parent, stage.live}:
                for each in place.glob(f"{STAGE}{part.name}-*"):
                    if each.is_dir() and str(each) not in told:
                        removal = f"rm -r -- {quote(str(each))}"
                        found[each] = _told(str(each), removal, replaced=has_journal(each))
    return [found[each] for each in sorted(found)]


async def files_left_in(target: Target, part: Part, known: Sequence[Kept]) -> list[str]:
    """The same for the part of a service, in its container. Raises Failed and Unavailable."""
    told = {one.place["files"] for one in known if one.place.get("service") == part.service}
    found = await stages_in(target, str(part.service), part.inner, part.name)
    return [
        _told(
            f"{stage} in {part.service}",
            join(target.compose("exec", "-T", str(part.service), "rm", "-r", "--", stage)),
            replaced=replaced,
        )
        for stage, replaced in sorted(found.items())
        if stage not in told
    ]


def _told(place: str, removal: str, *, replaced: bool) -> str:
    return f"{place} (may hold replaced files: look before it is removed)" if replaced else removal


def _is_incoming(name: str, server: Server) -> bool:
    stamp = name.rpartition("_restoring_")[2]
    return name == incoming_name(server.place.name, stamp)
