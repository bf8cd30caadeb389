"""What a look at the world found, before it is redacted and becomes a reading."""

from dataclasses import dataclass

from bot.checks.model import State


@dataclass(frozen=True)
class Finding:
    """`summary` is one line that stands alone; `value` the number behind it in `unit`."""

    state: State
    summary: str
    value: float | None = None
    unit: str = ""
    detail: str = ""
