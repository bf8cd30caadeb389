"""What is backed up when, where the sets go, and which of them are kept."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from bot.config.base import LocalPath, Model, wrong
from bot.config.cron import CronLine
from bot.config.secret import Secret
from bot.config.values import Period, Text

Count = Annotated[int, Field(ge=0, le=10_000)]


class Restic(Model):
    """A restic repository; its password is given once, as text or as a file."""

    repository: Secret
    password: Secret | None = None
    password_file: LocalPath | None = None

    @model_validator(mode="after")
    def _one_password(self) -> "Restic":
        if (self.password is None) == (self.password_file is None):
            raise wrong("either password or password_file")
        return self


class Store(Model):
    """Where backup sets are kept: a plain directory or a restic repository."""

    directory: LocalPath | None = None
    restic: Restic | None = None

    @model_validator(mode="after")
    def _one_store(self) -> "Store":
        if (self.directory is None) == (self.restic is None):
            raise wrong("either directory or restic")
        return self


class Keep(Model):
    """How many sets stay: the last ones, and the newest of each day, week, month and year.

    A set stays when one of the rules keeps it; periods are the calendar's.
    """

    last: Annotated[int, Field(ge=1, le=10_000)] = 3
    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0
    yearly: Count = 0


class BackupPolicy(Model):
    """The backups of one target. `include` names ``database``, ``config`` and the target's files.

    `verify` is the cron line of the restore drill, `assertions` are queries that must each return
    true in the drilled database, `undo_for` is how long what a restore replaced is kept, and
    `catch_up` is how late a missed backup or drill is still made.
    """

    schedule: CronLine | None = None
    include: Annotated[tuple[Text, ...], Field(min_length=1)]
    store: Store
    keep: Keep = Keep()
    verify: CronLine | None = None
    assertions: tuple[Text, ...] = ()
    undo_for: Period = timedelta(hours=24)
    catch_up: Period = timedelta(hours=6)
