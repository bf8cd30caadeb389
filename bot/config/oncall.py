"""Who is on call, who is told next, and whom to reach outside Slack."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config.base import Model, wrong
from bot.config.cron import CronLine
from bot.config.values import Duration, Text, UserId

_NOTIFIED = re.compile(r"oncall|secondary|[UWS][A-Z0-9]{2,}|@[a-z0-9][a-z0-9._-]*")


def _notified(value: str) -> str:
    if not _NOTIFIED.fullmatch(value):
        raise wrong("oncall, secondary, a Slack user ID (U…) or a user group (@admins, S…)")
    return value


class Rotation(Model):
    """People who take turns, in this order; `handover` is when the next one takes over."""

    people: Annotated[tuple[UserId, ...], Field(min_length=1)]
    handover: CronLine


class Escalation(Model):
    """Whom to tell when nobody has acknowledged `after` this long."""

    after: Duration
    notify: Annotated[str, AfterValidator(_notified)]


class OnCall(Model):
    """The rotation and the escalation of alerts nobody acknowledges."""

    rotation: Rotation | None = None
    escalation: tuple[Escalation, ...] = ()


class Contact(Model):
    """Someone to reach in an emergency."""

    role: Text
    name: Text
    phone: Text | None = None
    email: Text | None = None
