"""The times that people type: how long, and when. Pure; raises UsageError for what is off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.config.values import parse_duration
from bot.errors import UsageError

LONGEST = timedelta(days=30)

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FORMS = "Say 22:00, 2026-11-25 22:00 or in 2h."


def length_of(word: str) -> timedelta:
    """`30m` as a length of time."""
    try:
        length = parse_duration(word.lower())
    except ValueError:
        raise UsageError(
            f'"{word[:20]}" is no length of time.', hint="Say 90s, 15m, 4h or 1h30m."
        ) from None
    if not length:
        raise UsageError("A maintenance lasts longer than that.")
    if length > LONGEST:
        raise UsageError(
            "A maintenance lasts 30d at most.", hint="Leave the time out and end it by hand."
        )
    return length


def reason_and_length(words: Sequence[str]) -> tuple[str, timedelta | None]:
    """`Upgrade to 1.5 for 30m`, or `for 30m Upgrade`: the reason, and how long if that is said.

    Words that may have been meant for a length are never taken for a part of the reason: "for"
    at their beginning, or before a number.
    """
    for start in (0, len(words) - 2):
        if start >= 0 and len(words) > start + 1 and words[start].lower() == "for":
            if not words[start + 1][:1].isdigit():
                continue
            if start == 0 or start + 2 == len(words):
                rest = [*words[:start], *words[start + 2 :]]
                return " ".join(rest), length_of(words[start + 1])
    for index, word in enumerate(words):
        follows = " ".join(words[index + 1 :])
        if word.lower() == "for" and (index == 0 or follows[:1].isdigit()):
            raise UsageError(
                f'"{follows[:30]}" is no length of time.',
                hint="Say for 30m, or put the reason in quotes.",
            )
    for word in {*words[:1], *words[-1:]}:
        if _is_length(word):
            raise UsageError(f'Say "for {word}".', hint="Or put the reason in quotes.")
    return " ".join(words), None


def _is_length(word: str) -> bool:
    try:
        return bool(parse_duration(word.lower()))
    except ValueError:
        return False


def schedule_of(
    words: Sequence[str], now: datetime, zone: ZoneInfo
) -> tuple[datetime, timedelta, str]:
    """`22:00 for 30m Upgrade`: when it begins, how long it lasts, and the reason."""
    lowered = [word.lower() for word in words]
    if "for" not in lowered[1:]:
        raise UsageError("Say when and for how long.", hint="Such as: schedule 22:00 for 30m.")
    index = lowered.index("for", 1)
    if index + 1 == len(words):
        raise UsageError("Say for how long.", hint="Such as: for 30m.")
    return (
        moment_of(words[:index], now, zone),
        length_of(words[index + 1]),
        " ".join(words[index + 2 :]),
    )


def moment_of(words: Sequence[str], now: datetime, zone: ZoneInfo) -> datetime:
    """`22:00` (the next time it is), `2026-11-25 22:00` or `in 2h`, in the team's zone."""
    # What stands in quotes, "in 2h", is one word of the command's.
    match " ".join(words).lower().split():
        case ["in", span]:
            return now + length_of(span)
        case [clock] if _TIME.fullmatch(clock):
            local = now.astimezone(zone)
            today = _at(local.date(), clock, zone)
            return today if today > now else _at(local.date() + timedelta(days=1), clock, zone)
        case [day, clock] if _DAY.fullmatch(day) and _TIME.fullmatch(clock):
            moment = _at(_date(day), clock, zone)
            if moment <= now:
                raise UsageError(f"{day} {clock} has passed.", hint=_FORMS)
            return moment
    raise UsageError(f'"{" ".join(words)[:30]}" is no time.', hint=_FORMS)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"There is no {text}.", hint=_FORMS) from None


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """A local time as a moment. Where clocks change, one may not exist, or twice."""
    hour, minute = (int(part) for part in clock.split(":"))
    local = datetime.combine(day, time(hour, minute))
    first = local.replace(tzinfo=zone, fold=0)
    moment = first.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise UsageError(
            f"There is no {clock} on {day} in {zone.key}: the clocks go forward.", hint=_FORMS
        )
    if first.utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset():
        raise UsageError(
            f"{clock} comes twice on {day} in {zone.key}: the clocks go back.",
            hint="Say how long from now, such as in 2h.",
        )
    return moment
