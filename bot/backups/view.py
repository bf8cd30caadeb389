"""Backups as messages, and as data for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot import words
from bot.backups.model import DATABASE, GUIDE, BackupSet, Manifest
from bot.backups.retention import dated_ahead
from bot.config.base import OWN
from bot.operations.model import Operation
from bot.operations.queued import followed
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

SHOW, VERIFY = "backup.show", "backup.verify"
RESTORE = "restore.set"
"""Buttons about one set; each one's value is the target and the set's ID."""

LISTED = 15
TABLES_SHOWN = 20
MANUAL, SCHEDULE = "manual", "schedule"
"""Reasons of manifests; any other says what the set was taken before."""


def joined(waiting: Operation, channel: str) -> Message:
    """What a person hears whose backup is one that waits already."""
    return Message(
        f"A backup of {waiting.plan.target} was waiting already, as operation {waiting.id}; it"
        f" holds what you asked for. {followed(channel)}"
    )


def missed(
    target: str, due_times: Sequence[datetime], why: str, *, zone: ZoneInfo, slash: str
) -> Message:
    """What the channel hears of backups that were not taken; `why` is "" where it is only known
    that their time has passed, `slash` is the command's name."""
    times = [blocks.day_and_time(due_at, zone) for due_at in due_times[-3:]]
    more = len(due_times) - len(times)
    which = words.join(([f"{more} before"] if more else []) + times)
    noun, was = ("backup", "was") if len(due_times) == 1 else ("backups", "were")
    sentence = f"{Sign.CRITICAL} The {noun} of {target} due {which} {was} not taken"
    sentence += f": {why}" if why else " in time."
    hint = f"`{slash} now` takes one."
    shown = blocks.section(f"{blocks.literal(sentence)} {hint}")
    return Message(f"{blocks.without_moments(sentence)} {hint}", [shown])


def listing(
    target: str,
    sets: Sequence[BackupSet],
    kept: Mapping[str, Sequence[str]],
    now: datetime,
    *,
    slash: str,
) -> Message:
    """The sets of a target, newest first, each with why it is `kept`; `slash` is the command's
    name."""
    if not sets:
        return Message(f"There is no backup of {target} yet. `{slash} now` takes one.")
    rows = [
        blocks.section(
            _line(one, kept.get(one.id, ()), now),
            accessory=blocks.button("Show", f"{SHOW}:{one.id}", f"{target} {one.id}"),
        )
        for one in sets[:LISTED]
    ]
    if len(sets) > LISTED:
        rows.append(blocks.section(f"and {len(sets) - LISTED} older"))
    head = f"*Backups of {target}* · {words.count(len(sets), 'backup')}, {_total(sets)}"
    hint = f"`{slash} show ID` shows one; the beginning of its ID is enough."
    shown = [blocks.section(head), *rows, blocks.context(hint)]
    return Message(f"{_spoken(sets)} {newest(target, sets, now)}", shown)


def newest(target: str, sets: Sequence[BackupSet], now: datetime) -> str:
    """One sentence on the last set that can be trusted."""
    dated_right = (one.good for one in sets if not dated_ahead(one.manifest, now))
    manifest = next(filter(None, dated_right), None)
    if manifest is None:
        return f"There is no good backup of {target}."
    age = words.ago(manifest.started, now)
    return f"The last backup of {target} is {manifest.id}, {words.size(manifest.size)}, {age}."


def details(target: str, one: BackupSet, now: datetime, zone: ZoneInfo) -> Message:
    """All there is to know of one set, and what can be done with it."""
    manifest = one.good
    deeds = [blocks.actions(*row)] if (row := _deeds(target, one)) else []
    if manifest is None:
        said = f"{Sign.CRITICAL} {one.id} cannot be trusted: {one.trouble}."
        return Message(said, [blocks.section(blocks.escape(said)), *deeds, _place(one)])
    taken = blocks.day_and_time(manifest.started, zone)
    facts = [
        f"taken {taken}, {words.ago(manifest.started, now)}, in {_took(manifest)}",
        origin(manifest),
        *_versions(manifest),
        *_drilled(one, now),
    ]
    files = [f"{words.size(file.size)}  {file.path}" for file in manifest.files]
    shown: list[Block] = [
        blocks.section(f"*{Sign.DONE} {manifest.id}* · {words.size(manifest.size)}"),
        blocks.section("\n".join(facts)),
        blocks.section(blocks.code("\n".join(files))),
    ]
    if tables := _tables(manifest):
        shown.append(blocks.section(blocks.code("\n".join(tables))))
    sentence = (
        f"Backup {manifest.id} of {manifest.target}: {words.size(manifest.size)},"
        f" {words.ago(manifest.started, now)}."
    )
    return Message(sentence, [*shown, *deeds, _place(one)])


def origin(manifest: Manifest) -> str:
    """Why a set was taken and by whom: `before deploy #12, by @ada`, `by @ada`, `scheduled`."""
    return _origin(blocks.escape(manifest.reason), who(manifest.by))


def plain_origin(manifest: Manifest, names: Mapping[str, str]) -> str:
    """The same where nothing is rendered; `names` are those of actors."""
    return _origin(manifest.reason, names.get(manifest.by, manifest.by))


def _origin(reason: str, by: str) -> str:
    if reason == SCHEDULE:
        return "scheduled"
    return f"by {by}" if reason == MANUAL else f"{reason}, by {by}"


def nothing_to_prune(target: str, sets: Sequence[BackupSet]) -> Message:
    """What a person hears who asked to prune where every set stays."""
    why = f"every backup of {target} is kept" if sets else f"there is no backup of {target}"
    return Message(f"Nothing to remove: {why}.")


def as_data(one: BackupSet) -> dict[str, Any]:
    """A set for scripts: where it is, what is wrong with it, and its manifest."""
    manifest = one.good.model_dump(mode="json") if one.good else None
    path = str(one.path) if one.path else None
    return {"id": one.id, "path": path, "trouble": one.trouble, "manifest": manifest} | (
        {"snapshots": list(one.snapshots)} if one.snapshots else {}
    )


def _line(one: BackupSet, kept: Sequence[str], now: datetime) -> str:
    manifest = one.good
    if manifest is None:
        return f"{Sign.CRITICAL} `{one.id}` cannot be trusted: {blocks.escape(one.trouble)}"
    return " · ".join(
        (
            f"{Sign.DONE} `{one.id}`",
            words.ago(manifest.started, now),
            words.size(manifest.size),
            ", ".join(manifest.ordered_parts),
            origin(manifest),
            *(["restores"] if one.verdict else []),
            f"kept: {', '.join(kept)}" if kept else "goes with the next pruning",
        )
    )


def _deeds(target: str, one: BackupSet) -> list[Block]:
    """The buttons: no set is restored or tried whose manifest cannot be read, and what restores
    Opsbell's own database cannot be Opsbell."""
    if one.manifest is None:
        return []
    value = f"{target} {one.id}"
    restore = [blocks.button("Restore", RESTORE, value)] if target != OWN else []
    return [*restore, blocks.button("Verify", VERIFY, value)]


def _spoken(sets: Sequence[BackupSet]) -> str:
    bad = sum(one.good is None for one in sets)
    told = words.count(len(sets), "backup")
    return f"{told}, {bad} of them not to be trusted." if bad else f"{told}."


def _total(sets: Sequence[BackupSet]) -> str:
    return f"{words.size(sum(one.good.size for one in sets if one.good))} in all"


def _took(manifest: Manifest) -> str:
    return words.duration(max(manifest.finished - manifest.started, timedelta()))


def _versions(manifest: Manifest) -> list[str]:
    versions = [f"{tool} {version}" for tool, version in manifest.tool_versions.items()]
    found = [", ".join(versions)] if versions else []
    if manifest.revision:
        found.append(f"revision {manifest.revision[:12]}")
    return [blocks.escape(line) for line in found]


def _drilled(one: BackupSet, now: datetime) -> list[str]:
    if one.verdict is None:
        return ["not drilled yet"] if one.good and DATABASE in one.good.parts else []
    told = f"drilled {words.ago(one.verdict.at, now)}: {one.verdict.summary}"
    return [blocks.escape(told)]


def _tables(manifest: Manifest) -> list[str]:
    """The tables with the most rows."""
    largest = sorted(manifest.tables.items(), key=lambda table: -table[1])
    listed = [f"{name}  {words.count(rows, 'row')}" for name, rows in largest[:TABLES_SHOWN]]
    more = len(largest) - TABLES_SHOWN
    return listed + ([f"and {words.count(more, 'table')} more"] if more > 0 else [])


def _place(one: BackupSet) -> Block:
    place = str(one.path)
    if one.path is None:
        place = f"restic restore {one.snapshots[0][:8]} --target DIRECTORY"
    return blocks.context(f"`{blocks.escape(place)}` · {GUIDE} says how to restore by hand")
