"""A run as the messages that stand in the channel.

An item is a checkbox of its own and, below it, a quiet line with its evidence and who closed
it. What a message cannot hold goes on in the thread; where it is split depends on the items'
texts alone, so nothing ever moves from one message to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import words
from bot.checklists.model import Carried, Item, ItemState, Run
from bot.checklists.text import actor_name, fitted
from bot.checks.model import Reading
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

# Slack's limits: 50 blocks a message and about 13,000 characters in all of them, 75 characters an
# option. An item takes two blocks; what it may come to say beside its own text takes ROW.
ITEMS_PER_MESSAGE = 20
TEXT_PER_MESSAGE = 11_200
LABEL, WHOLE = 75, 2_500
SUMMARY, REASON, NOTE = 140, 100, 100
ROW = SUMMARY + REASON + NOTE + 160
CARRIED = 8


def pages(run: Run) -> list[tuple[Item, ...]]:
    """The items of each message: the first in the channel, the others in its thread."""
    split: list[list[Item]] = [[]]
    room = TEXT_PER_MESSAGE
    for item in run.items:
        need = sum(map(len, _own_texts(item))) + ROW
        if split[-1] and (len(split[-1]) == ITEMS_PER_MESSAGE or need > room):
            split.append([])
            room = TEXT_PER_MESSAGE
        split[-1].append(item)
        room -= need
    return [tuple(items) for items in split]


def page_key(run: Run, page: int) -> str:
    """The stable key of a page's post; the first page has the run's own."""
    return run.key if page == 1 else f"{run.key}:{page}"


def messages(run: Run, zone: ZoneInfo, now: datetime) -> list[Message]:
    """What the run's posts say, page by page."""
    split = pages(run)
    return [_page(run, split, page, zone, now) for page in range(1, len(split) + 1)]


def _page(
    run: Run, split: Sequence[tuple[Item, ...]], page: int, zone: ZoneInfo, now: datetime
) -> Message:
    items = split[page - 1]
    first, last = items[0].position, items[-1].position
    rows = [block for item in items for block in _row(run, item)]
    if page > 1:
        head = [blocks.section(f"*{blocks.escape(run.title)}* · items {first} to {last}")]
        text = f"{run.title} of {run.day(zone)} goes on with items {first} to {last}."
        return Message(blocks.escape(text), (*head, *rows, _buttons(run, page)))
    head = [blocks.section(header(run, zone, now))]
    head += [blocks.context(line) for line in _context(run, zone)]
    rest = [] if len(split) == 1 else [_rest(len(run.items) - last)]
    message = (*head, *rows, *rest, _buttons(run, page), blocks.context(_foot(run)))
    return Message(blocks.escape(sentence(run, zone, now)), message)


def header(run: Run, zone: ZoneInfo, now: datetime) -> str:
    """`☐ Daily maintenance · Sun 22 Nov · 2 of 5 · due 13:00`."""
    parts = [f"{_sign(run, now)} *{blocks.escape(run.title)}*", run.day(zone)]
    parts.append(f"{run.closed} of {len(run.items)}")
    if run.completed_at:
        parts.append(f"done {blocks.moment(run.completed_at)}")
    elif run.deadline:
        parts.append(due(run, run.deadline, zone, now))
    return " · ".join(parts)


def due(run: Run, deadline: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`due 13:00`, `overdue since 13:00`; with the day, where that is another."""
    word = "overdue since" if run.time_is_up(now) else "due"
    style = "{time}" if _on_the_day(run, deadline, zone) else "{date_short_pretty} {time}"
    return f"{word} {blocks.moment(deadline, style)}"


def sentence(run: Run, zone: ZoneInfo, now: datetime) -> str:
    """The same as one plain sentence, for notifications; not escaped."""
    name = f"{run.title} of {run.day(zone)}"
    if run.complete:
        return f"{name}: all {words.count(len(run.items), 'item')} closed."
    state = f"{len(run.open_items)} of {words.count(len(run.items), 'item')} open"
    if run.deadline is None:
        return f"{name}: {state}."
    word = "overdue since" if run.time_is_up(now) else "due"
    style = "%H:%M" if _on_the_day(run, run.deadline, zone) else "%a %-d %b %H:%M"
    return f"{name}: {state}, {word} {run.deadline.astimezone(zone):{style}}."


def evidence(reading: Reading, limit: int = SUMMARY) -> str:
    """`⚠️ warning: 4 failed since yesterday`."""
    state = reading.state
    return f"{state.sign} {state.value}: {fitted(reading.summary, limit)}"


def _on_the_day(run: Run, deadline: datetime, zone: ZoneInfo) -> bool:
    return deadline.astimezone(zone).date() == run.posted_at.astimezone(zone).date()


def _sign(run: Run, now: datetime) -> str:
    if run.complete:
        return Sign.DONE
    return Sign.WARNING if run.time_is_up(now) else "☐"


def _context(run: Run, zone: ZoneInfo) -> list[str]:
    """What to know before starting: a late posting, and what was left open last time."""
    lines: list[str] = []
    if run.late and run.due_at:
        after = words.duration(run.posted_at - run.due_at)
        lines.append(f"Posted {after} after its time, {blocks.moment(run.due_at)}")
    if run.carried:
        names = [_carried(carried) for carried in run.carried[:CARRIED]]
        if len(run.carried) > CARRIED:
            names.append(f"{len(run.carried) - CARRIED} more")
        lines.append(f"Left open last time: {words.join(names)}")
    return lines


def _carried(carried: Carried) -> str:
    text = fitted(carried.text, LABEL)
    return f"{text} ({carried.times} times in a row)" if carried.times > 1 else text


def _rest(count: int) -> Block:
    return blocks.context(f"{words.count(count, 'more item')} in the thread")


def _foot(run: Run) -> str:
    taken = [item.reading.taken_at for item in run.items if item.reading]
    seen = [f"evidence of {blocks.moment(max(taken))}"] if taken else []
    return " · ".join([*seen, f"checklist {run.id}"])


def _buttons(run: Run, page: int) -> Block:
    place = f"{run.id}:{page}"
    return blocks.actions(
        *_again(run, place),
        blocks.button("Details", f"checklist.details:{place}"),
        blocks.button("More", f"checklist.more:{place}"),
        block_id=f"buttons:{place}",
    )


def _again(run: Run, place: str) -> list[Block]:
    """The button for new evidence. Its value makes two clicks on one state of it a double click."""
    checked = [item for item in run.open_items if item.check]
    taken = [item.reading.taken_at.isoformat() for item in checked if item.reading]
    button = blocks.button("Check again", f"checklist.again:{place}", max(taken, default="none"))
    return [button] if checked else []


def _row(run: Run, item: Item) -> list[Block]:
    """An item's checkbox, and what is known about it.

    A client keeps its own idea of a checkbox for as long as the block keeps its ID, so the ID
    changes with every change of the state.
    """
    place = f"{run.id}:{item.position}"
    label, *texts = _own_texts(item)
    box = blocks.option(label, str(item.position))
    boxes = blocks.checkboxes(f"checklist.tick:{place}", [box], () if item.open else [box])
    row = [blocks.actions(boxes, block_id=f"item:{place}:{item.ticks}")]
    if lines := _lines(run, item):
        texts.append("\n".join(lines))
    return row + ([blocks.context(*texts)] if texts else [])


def _own_texts(item: Item) -> list[str]:
    """The item's text as a checkbox can bear it, and whole where that is not all of it."""
    label, whole = fitted(item.text, LABEL), fitted(item.text, WHOLE)
    return [label] if label == whole else [label, whole]


def _lines(run: Run, item: Item) -> list[str]:
    lines = []
    if item.reading:
        lines.append(evidence(item.reading))
    elif item.check:
        lines.append(f"{Sign.OPEN} looking …")
    if item.open and item.claimed_by:
        lines.append(f"{Sign.RUNNING} claimed by {actor_name(item.claimed_by)}")
    if not item.open:
        lines.append(closed_by(run, item))
    if item.note:
        lines.append(f"Note by {actor_name(item.noted_by)}: {fitted(item.note, NOTE)}")
    return lines


def closed_by(run: Run, item: Item, limit: int = REASON) -> str:
    """`✅ done: Alice, 09:12`."""
    late = ", after the due time" if run.is_late(item) else ""
    who = f"{actor_name(item.by)}, {blocks.moment(item.at or run.posted_at)}{late}"
    if item.state is ItemState.DONE:
        return f"{Sign.DONE} done: {who}"
    return f"{Sign.REFUSED} not applicable: {fitted(item.reason, limit)} · {who}"
