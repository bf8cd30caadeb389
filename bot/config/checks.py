"""Checks: what looks at the world and changes nothing, one model per kind.

A new kind is one more class with its own `kind`, added to `Check`.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from bot.config.base import BackedUpName, LocalPath, Model, TargetName, wrong
from bot.config.values import Period, Regex, Text, WebUrl

Percent = Annotated[float, Field(gt=0, le=100)]


def _not_below_warn(value: Any, info: ValidationInfo) -> Any:
    warn = info.data.get("warn")
    if warn is not None and value is not None and value < warn:
        raise wrong("a threshold that is not below warn")
    return value


class _Check(Model):
    """What all kinds share: a reading that takes longer than `timeout` is unknown."""

    timeout: Period = timedelta(seconds=10)

    _ordered = field_validator("crit", check_fields=False)(_not_below_warn)


class DiskCheck(_Check):
    """Used space of the file system that holds `path`, in percent."""

    kind: Literal["disk"]
    path: LocalPath
    warn: Percent = 80
    crit: Percent = 90


class SqlCheck(_Check):
    """The number that a query on the target's database returns; thresholds are reached at >=."""

    kind: Literal["sql"]
    target: TargetName
    query: Text
    warn: float | None = None
    crit: float | None = None


class LogsCheck(_Check):
    """How many lines of a service's log of the last `within` match `pattern`."""

    kind: Literal["logs"]
    target: TargetName
    service: Text
    pattern: Regex
    within: Period = timedelta(hours=24)
    warn: Annotated[int, Field(ge=1)] | None = None
    crit: Annotated[int, Field(ge=1)] | None = None


class BackupAgeCheck(_Check):
    """How long ago the last good backup of the target, or of Opsbell itself, finished."""

    kind: Literal["backup_age"]
    target: BackedUpName
    warn: Period = timedelta(hours=26)
    crit: Period = timedelta(hours=50)


class HttpCheck(_Check):
    """A GET of `url`: another status than `expect`, or a body without `contains`, is critical;
    `warn` and `crit` are response times."""

    kind: Literal["http"]
    url: WebUrl
    expect: Annotated[int, Field(ge=100, le=599)] = 200
    contains: Text | None = None
    warn: Period | None = None
    crit: Period | None = None


Check = Annotated[
    DiskCheck | SqlCheck | LogsCheck | BackupAgeCheck | HttpCheck, Field(discriminator="kind")
]
