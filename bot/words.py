"""How numbers, times and states are said, the same in Slack and in the terminal."""

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


class Sign(StrEnum):
    """One sign per state. It always stands beside its word: nothing rests on colour alone."""

    OPEN = "⚪"
    RUNNING = "🔵"
    DONE = "✅"
    WARNING = "⚠️"
    CRITICAL = "🔴"
    UNKNOWN = "⚫"
    PAUSED = "⏸"
    UNDONE = "↩️"
    REFUSED = "🚫"


def utc_now() -> datetime:
    """The moment, aware: the one clock that everything is given."""
    return datetime.now(UTC)


def size(count: int) -> str:
    """Bytes for people, in decimal units: `1.2 GB`, `830 kB`, `12 B`."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 999.5 or unit == "TB":
            digits = 0 if unit == "B" or abs(amount) >= 99.5 else 1
            return f"{amount:.{digits}f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def duration(span: timedelta | float) -> str:
    """Two units at most: `0.4 s`, `41 s`, `2 min 10 s`, `3 h 5 min`, `4 d 2 h`."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    total = max(0, round(seconds))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for index, (name, length) in enumerate(units):
        if total >= length or name == "s":
            whole, rest = divmod(total, length)
            if index + 1 < len(units):
                next_name, next_length = units[index + 1]
                if rest // next_length:
                    return f"{whole} {name} {rest // next_length} {next_name}"
            return f"{whole} {name}"
    raise AssertionError("unreachable")


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 item`, `3 items`; thousands are set apart: `12 000 rows`."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def ago(moment: datetime, now: datetime) -> str:
    """`12 min ago`; what is seconds old is `just now`."""
    age = now - moment
    return "just now" if age < timedelta(seconds=10) else f"{duration(age)} ago"


def tell_times_in(zone: tzinfo) -> None:
    """Has moments told in this zone by whoever calls this, and by all that they start from now."""
    _zone.set(zone)


def moment(at: datetime, zone: tzinfo | None = None) -> str:
    """`Wed 25 Nov 22:30 CET`: a time that says in which zone it is. Without one it is that of
    `tell_times_in`, and this machine's before that was called."""
    return f"{at.astimezone(zone or _zone.get()):%a %-d %b %H:%M %Z}"


def join(words: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return (
        f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
    )


def bar(part: float) -> str:
    """A progress bar for a share from 0 to 1: `████████░░ 78 %`."""
    share = min(1.0, max(0.0, part))
    full = int(share * 10)
    return "█" * full + "░" * (10 - full) + f" {share * 100:.0f} %"
