"""When things were said, in the reader's own time zone and way of writing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from nicegui import Client

_ASK = """
    const known = Intl.DateTimeFormat(undefined, {hour: "numeric"}).resolvedOptions();
    return {zone: known.timeZone, twelve: known.hour12};
"""


@dataclass(frozen=True)
class Times:
    """A reader's time zone, and whether their clock has twelve hours."""

    zone: tzinfo
    has_twelve_hours: bool = False

    def moment(self, ts: str) -> datetime:
        """When a message was written."""
        return datetime.fromtimestamp(float(ts), self.zone)

    def clock(self, ts: str) -> str:
        """Its hours and minutes: "14:05" or "2:05 PM"."""
        when = self.moment(ts)
        if self.has_twelve_hours:
            return f"{when.hour % 12 or 12}:{when:%M} {'AM' if when.hour < 12 else 'PM'}"
        return f"{when:%H:%M}"

    def html(self, ts: str) -> str:
        """`<time>` with hours and minutes, the whole date in its tooltip."""
        when = self.moment(ts)
        title = f"{when:%A} {when.day} {when:%B %Y}, {when:%H:%M:%S}"
        return f'<time datetime="{when.isoformat()}" title="{title}">{self.clock(ts)}</time>'

    def day(self, ts: str, now: float) -> str:
        """Its day as a divider names it: Today, Yesterday, or the date. `now` is epoch seconds."""
        when, today = self.moment(ts), datetime.fromtimestamp(now, self.zone)
        if when.date() == today.date():
            return "Today"
        if when.date() == today.date() - timedelta(days=1):
            return "Yesterday"
        year = "" if when.year == today.year else f" {when.year}"
        return f"{when:%A} {when.day} {when:%B}{year}"


async def times_of(client: Client) -> Times:
    """What the browser says of its reader; UTC where it names no zone that is known here."""
    try:
        said = await client.run_javascript(_ASK, timeout=5)
        return Times(ZoneInfo(str(said["zone"])), has_twelve_hours=bool(said["twelve"]))
    except (TimeoutError, TypeError, KeyError, OSError, ValueError):
        return Times(UTC)
