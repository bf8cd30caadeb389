"""When a line of a log was written, as far as the line itself says so."""

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE = r"(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_WORD_BEFORE = r"^\W{0,3}(?:[A-Za-z]{1,12}\W{1,3})?"
_FORMS = (
    # 2026-11-22T14:05:09.123Z, [2026-11-22 14:05:09 +0000], 2026/11/22 14:05:09, also after one
    # word such as the level
    re.compile(
        _WORD_BEFORE
        + r"(?P<year>\d{4})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]"
        + _TIME
        + " ?"
        + _ZONE
    ),
    # 203.0.113.7 - alice [22/Nov/2026:14:05:09 +0000], as web servers write their access log
    re.compile(
        r"^\S{1,64} \S{1,64} \S{1,64} \[(?P<day>\d\d)/(?P<name>[A-Z][a-z]{2})/(?P<year>\d{4}):"
        + _TIME
        + " "
        + _ZONE
    ),
)
_FARTHEST = 256


def line_time(line: str) -> datetime | None:
    """The time at the beginning of a log line; None where there is none that is recognised.

    A time without a zone is this machine's own local time.
    """
    for form in _FORMS:
        if match := form.match(line[:_FARTHEST]):
            try:
                return _moment(match.groupdict())
            except ValueError:
                return None
    return None


def _moment(parts: dict[str, str | None]) -> datetime:
    def number(name: str) -> int:
        return int(parts[name] or 0)

    name = parts.get("name")
    month = _MONTHS.index(name) + 1 if name else number("month")
    fraction = (parts["fraction"] or "0")[:6].ljust(6, "0")
    naive = datetime(  # noqa: DTZ001 - its zone is added below
        number("year"),
        month,
        number("day"),
        number("hour"),
        number("minute"),
        number("second"),
        int(fraction),
    )
    zone = parts["zone"]
    if zone is None:
        return naive.astimezone()
    if zone in ("Z", "UTC", "GMT"):
        return naive.replace(tzinfo=UTC)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return naive.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
