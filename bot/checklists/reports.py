"""What the commands answer: the lists there are, how they stand, how they went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import words
from bot.checklists.lookup import Status
from bot.checklists.model import Rate, Run, item_rates, run_share
from bot.checklists.text import fitted
from bot.checklists.view import LABEL, header, sentence
from bot.slack import blocks
from bot.slack.message import Block, Message

# A section holds 3,000 characters; a line has at most 140.
LINES = 20
OPEN_SHOWN = 10


def listing(statuses: Sequence[Status], zone: ZoneInfo, now: datetime) -> Message:
    """Every checklist: what it is called, when it comes next, how its latest posting stands."""
    if not statuses:
        return Message("No checklist is configured. Add one under checklists in opsbell.yaml.")
    lines = [_listed(status, zone, now) for status in statuses]
    text = f"{words.count(len(statuses), 'checklist')}: {words.join([s.name for s in statuses])}."
    return Message(text, _sections(lines))


def standing(
    statuses: Sequence[Status], links: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> Message:
    """How the latest postings stand and what is open; `links` leads from a run's key to it."""
    runs = [status.run for status in statuses if status.run]
    if not runs:
        names = words.join([status.checklist.title for status in statuses])
        return Message(f"Never posted yet: {names}.")
    rows: list[Block] = []
    for run in runs:
        link = f" · <{links[run.key]}|open it>" if run.key in links else ""
        listed = [f"• {fitted(item.text, LABEL)}" for item in run.open_items[:OPEN_SHOWN]]
        if len(run.open_items) > OPEN_SHOWN:
            listed.append(f"and {len(run.open_items) - OPEN_SHOWN} more")
        rows.append(blocks.section("\n".join([f"{header(run, zone, now)}{link}", *listed])))
    return Message(blocks.escape(" ".join(sentence(run, zone, now) for run in runs)), tuple(rows))


def past(title: str, runs: Sequence[Run]) -> Message:
    """How often each item was done, over the runs given (newest first)."""
    if not runs:
        return Message(f"No posting of {blocks.escape(title)} has ended yet.")
    head = f"*{blocks.escape(title)}* · {_span(runs)} · {_percent(mean_share(runs))} done"
    lines = [_rate(rate) for rate in item_rates(runs)]
    text = f"{title}, {_span(runs)}: {_percent(mean_share(runs))} of the items done."
    return Message(blocks.escape(text), (blocks.section(head), *_sections(lines)))


def past_of_all(
    runs: Mapping[str, Sequence[Run]], statuses: Sequence[Status], *, slash: str
) -> Message:
    """One line for each checklist, where none was named. `slash` is the command as it is typed."""
    lines = []
    for status in statuses:
        ended = runs[status.name]
        share = f"{_percent(mean_share(ended))} done in {_span(ended)}" if ended else "none ended"
        lines.append(f"*{status.name}* · {blocks.escape(status.checklist.title)} · {share}")
    hint = blocks.context(f"`{slash} history NAME` shows each item.")
    return Message("How the checklists went.", (*_sections(lines), hint))


def status_data(status: Status) -> dict[str, Any]:
    """A checklist and its latest posting, for scripts; times in ISO 8601."""
    return {
        "name": status.name,
        "title": status.checklist.title,
        "next_due": _iso(status.next_due),
        "posting": run_data(status.run) if status.run else None,
    }


def run_data(run: Run) -> dict[str, Any]:
    """A posting and its items, for scripts."""
    return {
        "key": run.key,
        "posted_at": _iso(run.posted_at),
        "deadline": _iso(run.deadline),
        "closed": run.closed,
        "items": [
            {
                "text": item.text,
                "state": item.state.value,
                "by": item.by,
                "at": _iso(item.at),
                "reason": item.reason,
                "note": item.note,
                "claimed_by": item.claimed_by,
                "evidence": item.reading.as_json() if item.reading else None,
            }
            for item in run.items
        ],
    }


def past_data(runs: Sequence[Run]) -> dict[str, Any]:
    """The rates over several postings, for scripts; shares from 0 to 1."""
    items = [{"text": r.text, "done": r.done, "applied": r.applied} for r in item_rates(runs)]
    return {"postings": len(runs), "share": mean_share(runs), "items": items}


def mean_share(runs: Sequence[Run]) -> float | None:
    """The share of items done over several runs; None where nothing applied."""
    shares = [share for run in runs if (share := run_share(run)) is not None]
    return sum(shares) / len(shares) if shares else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _listed(status: Status, zone: ZoneInfo, now: datetime) -> str:
    checklist = status.checklist
    when = (
        f"next {blocks.moment(status.next_due, '{date_short_pretty} {time}')}"
        if status.next_due
        else "posted by hand"
    )
    items = words.count(len(checklist.items), "item")
    first = f"*{status.name}* · {blocks.escape(checklist.title)} · {items} · {when}"
    return f"{first}\n{header(status.run, zone, now)}" if status.run else first


def _rate(rate: Rate) -> str:
    if rate.share is None:
        return f"never applied · {fitted(rate.text, LABEL)}"
    times = f"{rate.done} of {rate.applied}"
    return f"{words.bar(rate.share)} · {fitted(rate.text, LABEL)} · {times}"


def _span(runs: Sequence[Run]) -> str:
    return f"the last {len(runs)} postings" if len(runs) > 1 else "the last posting"


def _percent(share: float | None) -> str:
    return "nothing applied" if share is None else f"{share * 100:.0f} %"


def _sections(lines: Sequence[str]) -> list[Block]:
    return [
        blocks.section("\n".join(lines[start : start + LINES]))
        for start in range(0, len(lines), LINES)
    ]
