"""How a target is deployed: from where, with which steps, and how long it is watched."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from bot.config.base import InnerPath, Model, RunbookName
from bot.config.values import Arguments, Duration, Regex, Text

LeftOut = Literal["backup", "maintenance", "build", "tests", "migrate", "static", "watch"]
"""The steps that a deploy can do without."""

After = Literal["checkout", "build", "tests", "migrate", "static", "switch", "healthy"]
"""The steps after which others can be added."""


class Deploy(Model):
    """A deploy of one target. Without any key, it is the update of a Django project.

    `service` is the Compose service whose image holds the application, `manage` the program that
    runs Django's commands there; `services` are what is built and brought up (on a host:
    restarted), all where none is named.
    """

    remote: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "origin"
    ref: Text = "main"
    service: Text = "web"
    services: tuple[Text, ...] = ()
    manage: Arguments = ("python", "manage.py")
    requirements: InnerPath = PurePosixPath("requirements.txt")
    leave_out: tuple[LeftOut, ...] = ()
    add: Mapping[After, RunbookName] = {}
    zero_downtime: bool = False
    watch: Duration = timedelta(minutes=10)
    errors: Regex = "ERROR|CRITICAL|Traceback"
    keep: Annotated[int, Field(ge=1, le=100)] = 5
