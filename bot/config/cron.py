"""Cron lines that mean what Debian's cron means, also when the clocks change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXPECTED = 'a cron line of five fields such as "0 9 * * mon-fri"'


class CronLine:
    """Five cron fields: minute, hour, day of month, month, weekday (0 and 7 are Sunday).

    A line with a fixed time runs once a day also where the clocks change: a time that the spring
    change leaves out runs right after the gap, a time that the autumn change repeats runs the
    first time only. Lines whose minute or hour begins with ``*`` follow the real hours. Raises
    ValueError for a text that is no such line or that never comes due.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if len(text.split()) != 5:
            raise ValueError("not five fields")
        try:
            next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            raise ValueError(str(error).lower()) from None
        except StopIteration:
            raise ValueError("it never comes due") from None
        self.text = text

    def next_after(self, moment: datetime) -> datetime:
        """The first due time later than `moment`, in the time zone that `moment` carries."""
        if moment.tzinfo is None:
            raise ValueError("the moment carries no time zone")
        # Both guards are against the repeated hour of autumn: times of one zone compare by their
        # wall clock, and CronSim, started in the second of the two hours, answers from the first.
        after = moment.astimezone(UTC)
        return next(due for due in CronSim(self.text, moment) if due.astimezone(UTC) > after)

    def between(self, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Each due time in `zone` later than `start` and not later than `end`, in order."""
        last = end.astimezone(UTC)
        due = self.next_after(start.astimezone(zone))
        while due.astimezone(UTC) <= last:
            yield due
            due = self.next_after(due)

    def __repr__(self) -> str:
        return f"CronLine({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, CronLine) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _validate(cls, value: object) -> "CronLine":
        if isinstance(value, CronLine):
            return value
        try:
            if isinstance(value, str):
                return cls(value)
        except ValueError as error:
            raise PydanticCustomError(
                "expected", "a cron line", {"expected": f"{EXPECTED} ({error})"}
            ) from None
        raise PydanticCustomError("expected", "a cron line", {"expected": EXPECTED})
