"""What is operated: one web application per target, in one of three runtimes."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bot.config.base import InnerPath, LocalPath, Model, Name, wrong
from bot.config.deploys import Deploy
from bot.config.secret import Secret
from bot.config.values import Arguments, Network, Period, PostgresUrl, Text, WebUrl

_PARTS_OF_A_BACKUP = ("database", "config", "globals", "manifest")


def _files_name(value: str) -> str:
    if value in _PARTS_OF_A_BACKUP:
        raise wrong(f"another name: a backup has its own {value}")
    return value


def _absolute_in_a_service(value: InnerPath, info: ValidationInfo) -> InnerPath:
    """A container has no directory of the target's that a relative path could start at."""
    if info.data.get("service") and not value.is_absolute():
        raise wrong("an absolute path, as it is inside the service's container")
    return value


FilesName = Annotated[Name, AfterValidator(_files_name)]


class Files(Model):
    """A directory or file of the application: in a service's container, or below `directory`."""

    service: Text | None = None
    path: InnerPath

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    _absolute = field_validator("path")(_absolute_in_a_service)


class MaintenanceFile(Model):
    """The file that puts the application into maintenance, and the URL that proves it.

    `allow` are networks whose visitors are let through; it stands in the file for the application.
    """

    service: Text | None = None
    file: InnerPath
    url: WebUrl | None = None
    allow: tuple[Network, ...] = ()

    _absolute = field_validator("file")(_absolute_in_a_service)


class Health(Model):
    """The URL that answers 2xx when the application is well, and how long that may take."""

    url: WebUrl
    within: Period = timedelta(seconds=60)


class ServiceDatabase(Model):
    """The application's PostgreSQL, in a service of the target."""

    service: Text
    user: Text
    name: Text
    password: Secret | None = None


class UrlDatabase(Model):
    """The application's PostgreSQL, reached by URL."""

    url: PostgresUrl


class HostService(Model):
    """A process of a host target: how it is restarted, and its log below `directory`."""

    restart: Arguments
    logs: InnerPath | None = None


class Compose(Model):
    """The Compose project; without `files`, Compose looks for its own default names."""

    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    files: tuple[InnerPath, ...] = ()
    env_file: InnerPath | None = None


class Swarm(Model):
    """The stack in Docker Swarm and the files it is deployed from."""

    stack: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    files: Annotated[tuple[InnerPath, ...], Field(min_length=1)]
    env_file: InnerPath | None = None


class _Target(Model):
    directory: LocalPath
    files: Mapping[FilesName, Files] = {}
    config: tuple[InnerPath, ...] = ()
    maintenance: MaintenanceFile | None = None
    health: Health | None = None
    deploy: Deploy = Deploy()
    channels: tuple[Text, ...] = ()

    def path(self, inner: InnerPath) -> Path:
        """Where a path of this target's configuration lies on the machine."""
        return self.directory / inner


class ComposeTarget(_Target):
    """An application run by Docker Compose."""

    runtime: Literal["compose"]
    compose: Compose
    database: ServiceDatabase | None = None


class SwarmTarget(_Target):
    """An application run by Docker Swarm."""

    runtime: Literal["swarm"]
    swarm: Swarm
    database: ServiceDatabase | None = None


class HostTarget(_Target):
    """An application whose processes run on this machine."""

    runtime: Literal["host"]
    database: UrlDatabase | None = None
    services: Mapping[Name, HostService] = {}


Target = Annotated[ComposeTarget | HostTarget | SwarmTarget, Field(discriminator="runtime")]
