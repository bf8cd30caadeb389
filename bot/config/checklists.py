"""Checklists: the team's recurring tasks, and the days on which they are left out."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from bot.config.base import CheckName, Model, wrong
from bot.config.cron import CronLine
from bot.config.values import Day, Member, Period, Text

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _skip(value: str) -> str:
    if value == "holidays" or value in WEEKDAYS:
        return value
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise wrong("holidays, a weekday (mon … sun) or a date such as 2026-12-24")


class Holiday(Model):
    """A day on which checklists with ``skip_on: [holidays]`` are not posted."""

    date: Day
    name: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_date(cls, value: Any) -> Any:
        return {"date": value} if isinstance(value, str) else value


class Item(Model):
    """One line to tick: `check` gives its evidence, `who` is whom it concerns."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    check: CheckName | None = None
    who: Member | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class Checklist(Model):
    """A list and when it is posted; without `schedule` it is posted by hand.

    `due` counts from the posting; a posting that was missed is made up to `catch_up` later.
    """

    title: Annotated[str, Field(min_length=1, max_length=140)]
    channel: Text = "ops"
    schedule: CronLine | None = None
    due: Period | None = None
    catch_up: Period = timedelta(hours=6)
    skip_on: tuple[Annotated[str, AfterValidator(_skip)], ...] = ()
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]

    def skipped(self, day: date, holidays: Iterable[Holiday]) -> str | None:
        """Why the list is not posted on `day` (in the configured time zone); None when it is."""
        if day.isoformat() in self.skip_on:
            return day.isoformat()
        if WEEKDAYS[day.weekday()] in self.skip_on:
            return WEEKDAYS[day.weekday()]
        if "holidays" in self.skip_on:
            return next((h.name or "a holiday" for h in holidays if h.date == day), None)
        return None
