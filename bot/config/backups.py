"""What is backed up when, where the sets go, and which of them are kept."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from bot.config.base import LocalPath, Model, located, wrong
from bot.config.cron import CronLine
from bot.config.secret import Secret
from bot.config.values import Period, Text

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _repository(value: Secret, info: ValidationInfo) -> Secret:
    if not value:
        raise wrong("an address such as sftp:backup@host:/srv/restic", secret=True)
    address = value.reveal().removeprefix("local:")
    if ":" in address.partition("/")[0]:
        return value
    # restic would begin a relative one where it was started.
    return Secret(str(located(Path(address), info)))


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise wrong("the name of an environment variable, such as AWS_ACCESS_KEY_ID")
    return value


Repository = Annotated[Secret, AfterValidator(_repository)]
"""As restic names it; one without a backend's scheme is a path, as `LocalPath` is."""

Variable = Annotated[str, AfterValidator(_variable)]
Count = Annotated[int, Field(ge=0, le=10_000)]


class Restic(Model):
    """A restic repository; its password is given once, as text or as a file.

    `environment` are the variables by which restic's backends sign in (AWS_ACCESS_KEY_ID, …).
    """

    repository: Repository
    password: Secret | None = None
    password_file: LocalPath | None = None
    environment: Mapping[Variable, Secret] = {}

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
