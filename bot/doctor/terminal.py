"""`opsbell check`: the doctor at the terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot.doctor import view
from bot.doctor.doctor import AREAS, examine, next_step
from bot.doctor.patient import admitted
from bot.words import Sign


async def check(config: Path, *, as_json: bool) -> int:
    """Shows what the doctor finds, area by area; 1 where something does not work."""
    console = Console(highlight=False)
    # One console alone may draw on a terminal.
    progress = console if console.is_terminal and not as_json else Console(stderr=True)
    found, left = [], [area.name for area in AREAS]
    async with admitted(config, os.environ) as patient:
        with progress.status(f"Looking at {', '.join(left)} …") as status:
            async for area, findings in examine(patient):
                left.remove(area.name)
                status.update(f"Looking at {', '.join(left)} …")
                found += findings
                if not as_json:
                    view.show(findings, console)
        next_one = await next_step(patient) if view.is_sound(found) else ""
    if as_json:
        typer.echo(json.dumps(view.data(found), indent=2))
    else:
        console.print(Text(f"{view.summary(found)} {next_one}".rstrip()), soft_wrap=True)
    return 1 if any(each.sign is Sign.CRITICAL for each in found) else 0
