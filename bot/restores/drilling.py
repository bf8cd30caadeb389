"""How a restore drill loads a set: as a restore does, into a database that someone else names."""

from __future__ import annotations

from pathlib import Path

from bot.operations.model import StepContext
from bot.restores.loading import Loaded, dump_of, load
from bot.restores.meter import LoadMeter
from bot.restores.server import Server
from bot.targets.model import DatabasePlace, Target


async def load_for_drill(
    target: Target, place: DatabasePlace, directory: Path, mark: str, context: StepContext
) -> Loaded:
    """Restores what the set in `directory` holds into the empty database at `place`, one job at a
    time: production goes first. What came back is for the drill to compare. Raises like `load`."""
    server = Server(target, mark, place)
    return await load(server, dump_of(directory), place.name, meter=LoadMeter(context))
