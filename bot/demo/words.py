"""What the demo says: in its terminal, in the page's panel and in #general."""

from __future__ import annotations

import sys
from pathlib import Path

from bot.demo.place import Place
from bot.demo.sample import GrandVps

WELCOME = (
    "Welcome. This workspace runs on your machine, and Opsbell looks after a sample web application"
    " in it, *GrandVPS*.\n"
    "• Today's checklist waits in #ops: tick an item, look at its *Details*.\n"
    "• Type `/backup now` there, then `/backup list`.\n"
    "• Break something with *Break things* at the top, then press *Check again* below the"
    " checklist.\n"
    "• Be somebody else with the name below the channels: Eve has no role, and is refused."
)

NOTES = (
    "What is broken here is real: rows in GrandVPS's database, lines in its log, a process that is"
    " gone. Press *Check again* below the checklist to see it there."
)


def ready(url: str, place: Place, sample: GrandVps) -> list[str]:
    """What stands in the terminal once everything runs."""
    lines = [
        "",
        f"  The workspace   {url}",
        f"  GrandVPS        http://127.0.0.1:{sample.port}/",
        f"  Everything      {place.directory}",
        "",
        "Try next:",
        "  1. Tick an item of today's checklist in #ops",
        "  2. Type /backup now in #ops, then /backup list",
        "  3. Break something with Break things at the top, and press Check again in #ops",
        f"  4. The same from a second terminal: {_twin(place)}",
        "",
    ]
    if not sample.has_releases:
        lines.append("git is not installed: GrandVPS has no releases to deploy.")
    lines.append("Ctrl-C stops everything; what you did is there again at the next start.")
    return lines


def _twin(place: Place) -> str:
    """A command that can be typed where the demo was started."""
    program = _near(Path(sys.executable).with_name("opsbell"))
    return f"{program} backup list --config {_near(place.config)}"


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
