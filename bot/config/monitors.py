"""Monitors: checks that are read again and again and raise alerts; how alerts are sent."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bot.config.base import CheckName, Model
from bot.config.values import Duration, Period, Text

Severity = Literal["critical", "warning", "info"]


class Monitor(Model):
    """Reads `check` every `every`; an alert begins when it has been bad for `for_` on end."""

    check: CheckName
    every: Period = timedelta(minutes=1)
    for_: Duration = Field(timedelta(), alias="for")
    channel: Text = "alerts"
    severity: Severity = "warning"


class Alerts(Model):
    """Grouping and repetition of alerts, with Alertmanager's meanings."""

    group_by: tuple[Literal["target", "name", "severity", "channel"], ...] = ("target", "name")
    group_wait: Duration = timedelta(seconds=30)
    group_interval: Period = timedelta(minutes=5)
    repeat_interval: Period = timedelta(hours=4)
