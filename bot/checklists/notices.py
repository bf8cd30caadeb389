"""What is said beside the list: reminders and the summary in its thread, and a missed posting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import words
from bot.checklists.model import Item, ItemState, Run
from bot.checklists.text import actor_name, fitted, mention
from bot.checklists.view import due, sentence
from bot.config.checklists import Checklist
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

# A section holds 3,000 characters, a message 13,000: a hundred open items still fit, each with
# whom it concerns; of those that do not apply, the first twenty are named.
LINES, LINE, REASON = 20, 80, 45

Groups = Callable[[str], str | None]
"""The ID of a user group's handle (`@ops`); None while it is not known."""


def half_time(run: Run, zone: ZoneInfo, now: datetime, groups: Groups) -> Message:
    """The reminder at half time: what is open, and whom it concerns."""
    head = [f"{Sign.OPEN} *{blocks.escape(run.title)}*: half time"]
    head.append(f"{len(run.open_items)} of {words.count(len(run.items), 'item')} open")
    if run.deadline:
        head.append(due(run, run.deadline, zone, now))
    text = blocks.escape(sentence(run, zone, now))
    return Message(text, (blocks.section(" · ".join(head)), *_open_list(run, groups)))


def summary(run: Run, zone: ZoneInfo, now: datetime, groups: Groups) -> Message:
    """How the run stands once all was done or time was up; kept true when that changes."""
    parts = [blocks.section(_headline(run, now)), *_open_list(run, groups)]
    if run.open_items:
        parts.append(blocks.context("What stays open is named again in the next posting."))
    parts += _not_applicable(run)
    return Message(blocks.escape(sentence(run, zone, now)), tuple(parts))


def missed(
    name: str,
    checklist: Checklist,
    due_times: Sequence[datetime],
    zone: ZoneInfo,
    made_up_by: str = "",
) -> Message:
    """Postings that were missed, with a button that makes up for the last of them."""
    catch_up = words.duration(checklist.catch_up)
    after = f", nor within {catch_up} after" if checklist.catch_up else ""
    times = [at.astimezone(zone).strftime("%a %-d %b %H:%M") for at in due_times[-LINES:]]
    title = blocks.escape(checklist.title)
    rest = f"of {words.join(times)} was not posted in time{after}."
    if made_up_by:
        end = [blocks.context(f"{Sign.DONE} posted later by {actor_name(made_up_by)}")]
    else:
        value = f"{name}|{due_times[-1].isoformat()}"
        post = blocks.button("Post it now", "checklist.make_up", value, style="primary")
        end = [blocks.actions(post)]
    shown = blocks.section(f"{Sign.WARNING} *{title}* {rest}")
    return Message(f"{title} {rest}", (shown, *end))


def _headline(run: Run, now: datetime) -> str:
    title = f"*{blocks.escape(run.title)}*"
    done = f"{run.closed} of {len(run.items)}"
    if run.completed_at:
        took = words.duration(run.completed_at - run.posted_at)
        text = f"{Sign.DONE} {title}: done · {done} · {took} after the posting"
    elif run.time_is_up(now):
        text = f"{Sign.WARNING} {title}: time is up · {done}"
    else:
        return f"{Sign.OPEN} {title}: open again · {done}"
    late = sum(run.is_late(item) for item in run.items)
    return f"{text} · {late} of them after the due time" if late else text


def _open_list(run: Run, groups: Groups) -> list[Block]:
    lines = [f"• {fitted(item.text, LINE)}{_concern(item, groups)}" for item in run.open_items]
    return [
        blocks.section("\n".join(lines[start : start + LINES]))
        for start in range(0, len(lines), LINES)
    ]


def _concern(item: Item, groups: Groups) -> str:
    """Whom an open item concerns: who claimed it, else whom the configuration names."""
    if item.claimed_by:
        return f" · {actor_name(item.claimed_by)}"
    return f" · {mention(item.who, groups)}" if item.who else ""


def _not_applicable(run: Run) -> list[Block]:
    items = [item for item in run.items if item.state is ItemState.NOT_APPLICABLE]
    if not items:
        return []
    lines = [f"{Sign.REFUSED} not applicable"]
    lines += [
        f"• {fitted(item.text, LINE)}: {fitted(item.reason, REASON)}" for item in items[:LINES]
    ]
    if len(items) > LINES:
        lines.append(f"and {len(items) - LINES} more")
    return [blocks.context("\n".join(lines))]
