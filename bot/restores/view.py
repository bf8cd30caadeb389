"""Restores as people see them: what can be chosen, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import words
from bot.backups.model import DATABASE, BackupSet
from bot.backups.view import plain_origin
from bot.restores.model import Kept, Left
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

PICK = "restore.pick"
CHOOSE = "restore.choose"
"""The menu of sets; the target stands behind a colon."""

UNDO = "restore.undo"
"""The button that takes an operation's restore back."""

SET, PARTS = "set", "parts"
OFFERED = 50

_LABEL = 75


def picker(
    target: str,
    sets: Sequence[BackupSet],
    known: Sequence[str],
    names: Mapping[str, str],
    now: datetime,
    place: str,
    chosen: str = "",
) -> dict[str, Any]:
    """The modal in which a set and its parts are chosen. Of the `known` parts those are offered
    that the `chosen` set holds, or any where none is chosen yet; `names` are those of actors."""
    offered = [one for at, one in enumerate(sets) if at < OFFERED or one.id == chosen]
    choices = {one.id: blocks.choice(_label(one, names, now), one.id) for one in offered}
    menu = blocks.select(
        f"{CHOOSE}:{target}", "Choose one", list(choices.values()), choices.get(chosen)
    )
    among = [one for one in sets if not chosen or one.id == chosen]
    if not (held := _held(among, known)):
        shown = [blocks.section(_nothing(among, chosen), accessory=menu, block_id=SET)]
        return blocks.modal(f"{PICK}:{target}", "Restore", shown, metadata=place)
    shown = [
        # A choice is told at once, so that the parts below can be those of the set.
        {**blocks.field("Backup", menu, block_id=SET), "dispatch_action": True},
        _parts(held, chosen),
        blocks.context("Next you see the plan. Nothing is run before you confirm it."),
    ]
    return blocks.modal(
        f"{PICK}:{target}", "Restore", shown, submit="Show the plan", metadata=place
    )


def picked_parts(fields: Mapping[str, Any]) -> list[str]:
    """The parts that were ticked in the picker."""
    ticked = [value for block, value in fields.items() if block.partition(":")[0] == PARTS]
    return [str(part) for value in ticked for part in value]


def listing(
    target: str,
    sets: Sequence[BackupSet],
    names: Mapping[str, str],
    now: datetime,
    *,
    slash: str,
) -> Message:
    """The same as text, where no modal can be opened."""
    if not sets:
        return Message(f"There is no backup of {target} that could be restored.")
    lines = [_line(one, names, now) for one in sets[:OFFERED]]
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
    target: str, kept: Sequence[Kept], left: Left, zone: ZoneInfo, *, slash: str
) -> Message:
    """What restores have replaced and keep, and what some have left."""
    rest = _left(left, zone)
    if not kept:
        none = f"No restore of {target} can be undone: nothing is kept."
        return Message(none, [blocks.section(none), *rest])
    lines = [
        f"{_where(one)}, by operation {one.operation}, until {blocks.day_and_time(one.until, zone)}"
        for one in kept
    ]
    hint = f"`{slash} undo` puts back what the last restore has replaced."
    head = f"{words.count(len(kept), 'part')} of {target} kept aside."
    shown = [blocks.section(f"*{head}*"), blocks.section("\n".join(lines)), blocks.context(hint)]
    return Message(f"{head} {hint}", [*shown, *rest])


def undo(operation: int) -> Block:
    """The button that shows the plan of the way back from an operation."""
    return blocks.button("Undo", UNDO, str(operation), style="danger")


def as_data(kept: Kept) -> dict[str, Any]:
    """One kept part for scripts."""
    return {
        "operation": kept.operation,
        "part": kept.part,
        "place": dict(kept.place),
        "until": kept.until.isoformat(),
    }


def _parts(held: Sequence[str], chosen: str) -> Block:
    """The parts to tick: the database alone is ticked, or all where there is none."""
    ticks = [blocks.option(part, part) for part in held]
    first = [tick for tick in ticks if tick["value"] == DATABASE] or ticks
    return blocks.field(
        "Parts",
        blocks.checkboxes("parts", ticks, first),
        # Slack ticks anew only in a block that it has not shown yet.
        block_id=f"{PARTS}:{chosen}" if chosen else PARTS,
        hint="" if chosen else "A part that the backup does not hold is refused.",
    )


def _held(sets: Sequence[BackupSet], known: Sequence[str]) -> list[str]:
    held = {part for one in sets for part in _parts_of(one)}
    return [part for part in known if part in held]


def _parts_of(one: BackupSet) -> Sequence[str]:
    return one.manifest.ordered_parts if one.manifest else ()


def _nothing(among: Sequence[BackupSet], chosen: str) -> str:
    """Why no part can be offered of these sets."""
    there = blocks.escape(words.join(sorted({part for one in among for part in _parts_of(one)})))
    if not chosen:
        return f"The backups hold nothing that is configured: they hold {there}."
    name = f"`{blocks.escape(chosen)}`"
    if not among:
        return f"{name} is not there any more. Choose another one."
    return f"{name} holds nothing that is configured: it holds {there or 'nothing'}."


def _label(one: BackupSet, names: Mapping[str, str], now: datetime) -> str:
    return _told(one, names, now, [])[:_LABEL]


def _line(one: BackupSet, names: Mapping[str, str], now: datetime) -> str:
    held = [", ".join(one.manifest.ordered_parts)] if one.manifest else []
    return _told(one, names, now, held)


def _told(one: BackupSet, names: Mapping[str, str], now: datetime, further: Sequence[str]) -> str:
    """A set in plain text: `20261122T020000Z · 3 h ago · 1.2 GB · before deploy #12, by @Ada`."""
    if one.manifest is None:
        return one.id
    doubt = f"{Sign.WARNING} not to be trusted, " if one.trouble else ""
    age = words.ago(one.manifest.started, now)
    size = words.size(one.manifest.size)
    return " · ".join([one.id, f"{doubt}{age}", size, *further, plain_origin(one.manifest, names)])


def _left(left: Left, zone: ZoneInfo) -> list[Block]:
    told: list[Block] = []
    if left.beside:
        lines = [
            f"{_where(one)}, by operation {one.operation}, {_fate(one, left, zone)}"
            for one in left.beside
        ]
        head = "*Unpacked by restores that did not finish.*"
        told.append(blocks.section("\n".join([head, *lines])))
    if left.commands:
        head = "*Left by restores that were not taken back.* To remove by hand:"
        told.append(blocks.section(head))
        told.append(blocks.section(blocks.code("\n".join(left.commands))))
    return told


def _fate(one: Kept, left: Left, zone: ZoneInfo) -> str:
    """What becomes of what lies beside, as a clause."""
    if why := left.stays.get(one.id):
        return f"not removed by itself: {blocks.escape(why)}"
    return f"removed {blocks.day_and_time(one.until, zone)}"


def _where(one: Kept) -> str:
    place = str(one.place.get("database") or one.place.get("files"))
    service = f" in {one.place['service']}" if "service" in one.place else ""
    return f"{blocks.escape(one.part)}: `{blocks.escape(place)}`{service}"
