"""Lines of a service's log that match a pattern."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.checks.finding import Finding
from bot.checks.matching import matching
from bot.checks.thresholds import judge, number, reached
from bot.config.checks import LogsCheck
from bot.targets.model import LogLine, Target
from bot.words import count, duration

_SHOWN_LINES = 5
_SHOWN_LENGTH = 300


async def look_at_logs(
    check: LogsCheck,
    target: Target,
    now: datetime,
    zone: ZoneInfo,
    redact: Callable[[str], str],
) -> Finding:
    """Counts the matching lines of the last `within` in constant memory."""
    found = 0
    last: deque[LogLine] = deque(maxlen=_SHOWN_LINES)
    lines = target.logs(check.service, now - check.within)
    async for line in matching(lines, check.pattern):
        found += 1
        last.append(line)
    limit = reached(found, check.warn, check.crit)
    note = f" (limit {number(limit)})" if limit is not None else ""
    summary = f"{_counted(found, check.pattern)} in {_window(check)}"
    if last:
        summary += f", the last {_clock(last[-1].at, now, zone)}"
    return Finding(
        judge(found, check.warn, check.crit),
        summary + note,
        value=found,
        detail="\n".join(_shown(line, redact, now, zone) for line in last),
    )


def _counted(found: int, pattern: str) -> str:
    noun = "error" if "error" in pattern.lower() else "matching line"
    return count(found, noun) if found else f"no {noun}s"


def _window(check: LogsCheck) -> str:
    hours = check.within.total_seconds() / 3600
    # A day is "24 h": what people mean is the last hours, not yesterday.
    return f"{hours:.0f} h" if hours in (24, 48, 72) else duration(check.within)


def _shown(line: LogLine, redact: Callable[[str], str], now: datetime, zone: ZoneInfo) -> str:
    # Redacted before it is cut: half a secret is not recognised.
    text = redact(line.text)
    cut = text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    return f"{_clock(line.at, now, zone)}  {cut}"


def _clock(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`09:12` today, `21 Nov 09:12` on another day."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local.day} {local:%b %H:%M}"
