"""Events and the verdict on their log, for the terminal and for Slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from bot.audit.service import Verdict
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Message
from bot.words import Sign, count

_SIGNS = {"ok": Sign.DONE, "refused": Sign.REFUSED, "failed": Sign.CRITICAL, "noted": Sign.OPEN}
_TOLD_FIRST = ("text", "runbook", "step", "state", "why", "reason", "note", "error")
_LENGTH = 160
LAST = 10
"""How many events Slack shows."""

Redact = Callable[[str], str]


def line(event: DictRow, names: Mapping[str, str], redact: Redact) -> str:
    """One event at the terminal, its time in this machine's zone."""
    at = event["at"].astimezone().strftime("%Y-%m-%d %H:%M:%S")
    actor = names.get(event["actor"], event["actor"].removeprefix("slack:"))
    parts = [at, f"{_sign(event)} {event['outcome']}", actor, *_what(event)]
    return redact("  ".join(filter(None, parts)))


def as_data(event: DictRow, names: Mapping[str, str], redact: Redact) -> dict[str, Any]:
    """The same for a script."""
    values = {
        name: redact(str(event[name]))
        for name in ("actor", "action", "subject", "target", "outcome")
    }
    at = event["at"].astimezone().isoformat()
    detail = _redacted(event["detail"], redact)
    return {"id": event["id"], "at": at, **values, "detail": detail} | (
        {"name": names[event["actor"]]} if event["actor"] in names else {}
    )


def message(events: Sequence[DictRow], redact: Redact) -> Message:
    """The last events for Slack, newest last."""
    if not events:
        return Message("Nothing has happened yet.")
    rows = [
        f"{blocks.moment(each['at'], '{date_short_pretty} {time}')} {_sign(each)} "
        f"{each['outcome']} · {who(each['actor'])} · "
        + blocks.escape(redact(" · ".join(filter(None, _what(each)))))
        for each in events
    ]
    head = f"The last {count(len(events), 'event')}"
    shown = [blocks.section(f"*{head}*"), *(blocks.section(row) for row in rows)]
    shown.append(blocks.context("`opsbell audit` at the terminal shows all, and proves them."))
    return Message(f"{head}.", shown)


def verdict(found: Verdict) -> str:
    """What `verify` says, in one or two sentences."""
    since = f" since {_time(found.since)}" if found.since else ""
    told = f"{count(found.rows, 'event')}{since}"
    if found.broken_at is not None:
        return (
            f"{Sign.CRITICAL} The event log is broken at event {found.broken_at}: it was changed,"
            f" or one before it is missing. Whole up to there: {told}."
        )
    if found.cut:
        return (
            f"{Sign.CRITICAL} The event log was cut: event {found.cut.id} of {_time(found.cut.at)}"
            f" is missing or another. What is there fits: {told}. If Opsbell's own database was"
            " restored from a backup, that is why; remove audit.head from the data directory then."
        )
    if not found.guarded:
        return (
            f"{Sign.DONE} The event log is whole: {told}. Whether its end was cut before is not"
            " known: there was no audit.head beside its key."
        )
    return f"{Sign.DONE} The event log is whole: {told}."


def verdict_data(found: Verdict) -> dict[str, Any]:
    """The same for a script."""
    return {
        "whole": found.whole,
        "events": found.rows,
        "since": found.since.astimezone().isoformat() if found.since else None,
        "broken_at": found.broken_at,
        "cut_at": found.cut.id if found.cut else None,
    }


def _what(event: DictRow) -> list[str]:
    """The action, what it was done to, and the details, those that say most first."""
    detail = event["detail"]
    known = [str(detail[name]) for name in _TOLD_FIRST if detail.get(name)]
    rest = [
        f"{name}={value}" for name, value in detail.items() if name not in _TOLD_FIRST and value
    ]
    told = " ".join(", ".join([*known, *rest]).split())
    short = told if len(told) <= _LENGTH else f"{told[: _LENGTH - 1]}…"
    return [event["action"], event["target"], _subject(event), short]


def _subject(event: DictRow) -> str:
    """The key of a request says nothing to people."""
    requests = ("command.", "click.", "form.")
    return "" if event["action"].startswith(requests) else str(event["subject"])


def _sign(event: DictRow) -> Sign:
    return _SIGNS.get(event["outcome"], Sign.UNKNOWN)


def _time(at: datetime | None) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "no time"


def _redacted(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: _redacted(each, redact) for name, each in value.items()}
    return [_redacted(each, redact) for each in value] if isinstance(value, list) else value
