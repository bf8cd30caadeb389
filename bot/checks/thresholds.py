"""A number against its thresholds, and how both are said."""

from bot.checks.model import State


def judge(value: float, warn: float | None, crit: float | None) -> State:
    """A threshold is reached at `>=`; None is one that is not set."""
    if crit is not None and value >= crit:
        return State.CRITICAL
    if warn is not None and value >= warn:
        return State.WARNING
    return State.OK


def reached(value: float, warn: float | None, crit: float | None) -> float | None:
    """The threshold that the value has reached, the higher one of two; None where it is none."""
    limits = [limit for limit in (warn, crit) if limit is not None and value >= limit]
    return max(limits, default=None)


def number(value: float) -> str:
    """For people: `3`, `12 034.5`, thousands set apart."""
    whole = f"{value:,.0f}" if value == round(value) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return whole.replace(",", "\N{NARROW NO-BREAK SPACE}")
