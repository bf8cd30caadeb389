"""Restores as people see them: what can be chosen, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import words
from bot.backups.model import BackupSet
from bot.restores.model import Kept
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

PICK = "restore.pick"
SET, PARTS = "set", "parts"
OFFERED = 50


def picker(
    target: str, sets: Sequence[BackupSet], parts: Sequence[str], now: datetime, place: str
) -> dict[str, Any]:
    """The modal in which a set and its parts are chosen."""
    choices = [blocks.choice(_short(one, now), one.id) for one in sets[:OFFERED]]
    ticks = [blocks.option(part, part) for part in parts]
    shown: list[Block] = [
        blocks.field("Backup", blocks.select("set", "Choose one", choices), block_id=SET),
        blocks.field(
            "Parts",
            blocks.checkboxes("parts", ticks, ticks),
            block_id=PARTS,
            hint="A part that the backup does not hold is refused.",
        ),
        blocks.context("Next you see the plan. Nothing is run before you confirm it."),
    ]
    return blocks.modal(
        f"{PICK}:{target}", "Restore", shown, submit="Show the plan", metadata=place
    )


def listing(target: str, sets: Sequence[BackupSet], now: datetime, *, slash: str) -> Message:
    """The same as text, where no modal can be opened."""
    if not sets:
        return Message(f"There is no backup of {target} that could be restored.")
    lines = [_short(one, now) for one in sets[:OFFERED]]
    hint = f"`{slash} ID` restores one, after showing its plan."
    head = f"{words.count(len(sets), 'backup')} of {target} can be restored."
    return Message(
        f"{head} {hint}",
        [
            blocks.section(f"*{head}*"),
            blocks.section(blocks.code("\n".join(lines))),
            blocks.context(hint),
        ],
    )


def standing(
    target: str, kept: Sequence[Kept], left: Sequence[str], zone: ZoneInfo, *, slash: str
) -> Message:
    """What restores have replaced and keep; and the commands that remove what some have `left`."""
    rest = (
        [
            blocks.section("*Left by restores that were not taken back.* To remove by hand:"),
            blocks.section(blocks.code("\n".join(left))),
        ]
        if left
        else []
    )
    if not kept:
        none = f"No restore of {target} can be undone: nothing is kept."
        return Message(none, [blocks.section(none), *rest])
    lines = [
        f"{one.part}: {_where(one)}, by operation {one.operation},"
        f" until {one.until.astimezone(zone):%a %-d %b %H:%M}"
        for one in kept
    ]
    hint = f"`{slash} undo` puts back what the last restore has replaced."
    head = f"{words.count(len(kept), 'part')} of {target} kept aside."
    shown = [blocks.section(f"*{head}*"), blocks.section(blocks.code("\n".join(lines)))]
    return Message(f"{head} {hint}", [*shown, blocks.context(hint), *rest])


def as_data(kept: Kept) -> dict[str, Any]:
    """One kept part for scripts."""
    return {
        "operation": kept.operation,
        "part": kept.part,
        "place": dict(kept.place),
        "until": kept.until.isoformat(),
    }


def _short(one: BackupSet, now: datetime) -> str:
    if one.manifest is None:
        return one.id
    doubt = f"{Sign.WARNING} not to be trusted, " if one.trouble else ""
    age = words.ago(one.manifest.started, now)
    held = ", ".join(one.manifest.ordered_parts)
    return f"{one.id} · {doubt}{age} · {words.size(one.manifest.size)} · {held}"[:75]


def _where(one: Kept) -> str:
    return str(one.place.get("database") or one.place.get("files"))
