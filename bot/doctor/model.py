"""What the doctor found: one line for each thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass

from bot.words import Sign


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    `area` is a heading of the table ("Slack", "Target grandvps"), `subject` what was looked at
    ("Bot token"), `says` the finding in one line and `todo` what to do about it, also one line;
    empty where all is well. `sign` is DONE, WARNING (works, but look), CRITICAL (will not work)
    or UNKNOWN (could not be looked at, `says` names what stands in the way).
    """

    area: str
    subject: str
    sign: Sign
    says: str
    todo: str = ""


def well(area: str, subject: str, says: str) -> Finding:
    """All is well."""
    return Finding(area, subject, Sign.DONE, says)


def beware(area: str, subject: str, says: str, todo: str) -> Finding:
    """It works, but someone should look at it."""
    return Finding(area, subject, Sign.WARNING, says, todo)


def wrong(area: str, subject: str, says: str, todo: str) -> Finding:
    """It will not work."""
    return Finding(area, subject, Sign.CRITICAL, says, todo)


def unseen(area: str, subject: str, says: str) -> Finding:
    """It could not be looked at."""
    return Finding(area, subject, Sign.UNKNOWN, says)
