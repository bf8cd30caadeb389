"""Events and the verdict on their log, for the terminal and for Slack."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from rich.table import Table
from rich.text import Text

from bot.audit import told
from bot.audit.service import Verdict
from bot.audit.told import Redact
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Message
from bot.targets.text import visible
from bot.words import Sign, count

_SIGNS = {"ok": Sign.DONE, "refused": Sign.REFUSED, "failed": Sign.CRITICAL, "noted": Sign.OPEN}
_COLUMNS = ("Time", "Outcome", "Who", "What", "Target", "Subject", "Details")
_PERSON = re.compile(r"(?:slack:|<@)([UW][A-Z0-9]{5,20})>?")
LAST = 10
"""How many events Slack shows."""


def people(event: DictRow) -> set[str]:
    """The Slack user IDs of those whom a row of the log names."""
    return set(_PERSON.findall(f"{event['actor']} {told.details(event)}"))


def table(events: Sequence[DictRow], names: Mapping[str, str], redact: Redact) -> Table:
    """Events as a table, for whoever sits before the terminal."""
    shown = Table(*_COLUMNS, box=None, pad_edge=False, header_style="bold")
    for event in events:
        shown.add_row(*map(Text, _row(event, names, redact)))
    return shown


def line(event: DictRow, names: Mapping[str, str], redact: Redact) -> str:
    """One event on one line, however long: for files and other programs."""
    return "  ".join(filter(None, _row(event, names, redact)))


def _row(event: DictRow, names: Mapping[str, str], redact: Redact) -> tuple[str, ...]:
    """All that is known of an event, its time in this machine's zone; see _COLUMNS."""
    return (
        event["at"].astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        f"{_sign(event)} {event['outcome']}",
        _with_names(event["actor"], names),
        *(_shown(event[name], redact) for name in ("action", "target", "subject")),
        _with_names(_shown(told.details(event), redact), names),
    )


def _with_names(text: str, names: Mapping[str, str]) -> str:
    """People in it as `Alice (U0ALICE001)`, where the name is known, else by the ID."""

    def called(match: re.Match[str]) -> str:
        known = match[1]
        return f"{visible(names[known])} ({known})" if known in names else known

    return _PERSON.sub(called, text)


def _shown(text: object, redact: Redact) -> str:
    return " ".join(visible(redact(str(text))).split())


def as_data(event: DictRow, names: Mapping[str, str], redact: Redact) -> dict[str, Any]:
    """The same for a script."""
    values = {
        name: redact(str(event[name]))
        for name in ("actor", "action", "subject", "target", "outcome")
    }
    at = event["at"].astimezone().isoformat()
    detail = _redacted(event["detail"], redact)
    return {"id": event["id"], "at": at, **values, "detail": detail} | (
        {"name": name} if (name := names.get(event["actor"].removeprefix("slack:"))) else {}
    )


def message(events: Sequence[DictRow], redact: Redact) -> Message:
    """The last events for Slack, newest last: a line for each."""
    if not events:
        return Message("Nothing has happened yet.")
    head = f"The last {count(len(events), 'event')}"
    lines = "\n".join(_told(each, redact) for each in events)
    return Message(
        f"{head}.",
        [
            blocks.section(f"*{head}*\n{lines}"),
            blocks.context("`opsbell audit` at the terminal shows every detail, and proves it."),
        ],
    )


def _told(event: DictRow, redact: Redact) -> str:
    """When, who, what, to what, with what outcome."""
    what = told.in_words(event, redact)
    target = str(event["target"])
    on = f" · {blocks.escape(target)}" if target and target not in what else ""
    who_did = "Opsbell" if event["actor"] == "opsbell" else who(event["actor"])
    return (
        f"{blocks.day_and_time(event['at'])} · {_sign(event)} {event['outcome']} · {who_did}:"
        f" {blocks.literal(what)}{on}"
    )


def verdict(found: Verdict) -> str:
    """What `verify` says, in one or two sentences."""
    since = f" since {_time(found.since)}" if found.since else ""
    known = f"{count(found.rows, 'event')}{since}"
    if found.broken_at is not None:
        return (
            f"{Sign.CRITICAL} The event log is broken at event {found.broken_at}: it was changed,"
            f" or one before it is missing. Whole up to there: {known}."
        )
    if found.cut:
        return (
            f"{Sign.CRITICAL} The event log was cut: event {found.cut.id} of {_time(found.cut.at)}"
            f" is missing or another. What is there fits: {known}. If Opsbell's own database was"
            " restored from a backup, that is why; remove audit.head from the data directory then."
        )
    if not found.guarded:
        return (
            f"{Sign.DONE} The event log is whole: {known}. Whether its end was cut before is not"
            " known: there was no audit.head beside its key."
        )
    return f"{Sign.DONE} The event log is whole: {known}."


def verdict_data(found: Verdict) -> dict[str, Any]:
    """The same for a script."""
    return {
        "whole": found.whole,
        "events": found.rows,
        "since": found.since.astimezone().isoformat() if found.since else None,
        "broken_at": found.broken_at,
        "cut_at": found.cut.id if found.cut else None,
        "guarded": found.guarded,
    }


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
