"""What a Compose project's services are: the database, the web service, files worth keeping.

Names and images are what people usually choose; where none fits, nothing is claimed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.targets.projects import Mount, Project, Service

POSTGRES = {
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "timescaledb",
    "timescaledb-ha",
}
PROXIES = {"apache2", "caddy", "haproxy", "httpd", "nginx", "traefik"}
# Parts of applications that are not the application.
HELPERS = {
    "celery",
    "certbot",
    "elasticsearch",
    "flower",
    "mailhog",
    "mailpit",
    "memcached",
    "minio",
    "pgadmin4",
    "pgbouncer",
    "rabbitmq",
    "redis",
    "redis-server",
    "rqworker",
    "valkey",
}
WEB_SERVERS = {"daphne", "gunicorn", "hypercorn", "manage.py", "runserver", "uvicorn", "uwsgi"}
WEB_NAMES = ("web", "app", "django", "backend", "api", "site", "server")
MEDIA = ("media", "mediafiles", "uploads", "upload", "user-media")
LOGS = ("logs", "log")
REBUILT = ("static", "staticfiles", "assets")


@dataclass(frozen=True)
class DatabaseFound:
    """The service with PostgreSQL, and as whom to connect to which database."""

    service: str
    user: str
    name: str


@dataclass(frozen=True)
class FilesFound:
    """Files to back up under a name: a path below the directory, or one in a service."""

    name: str
    path: str
    service: str = ""


@dataclass(frozen=True)
class Found:
    """What was recognised in a project. `rebuilt` are directories that are made again at each
    deploy and so are not backed up."""

    database: DatabaseFound | None = None
    web: Service | None = None
    proxy: Service | None = None
    files: tuple[FilesFound, ...] = ()
    rebuilt: tuple[str, ...] = ()
    config: tuple[str, ...] = ()


def recognise(
    project: Project, services: Sequence[Service], *, env_files: Iterable[Path] = ()
) -> Found:
    """What the services of a project are. `env_files` are those that its services are given."""
    database = _best(services, _is_postgres, ("db", "database", "postgres", "postgresql"))
    rest = [each for each in services if not _is_postgres(each)]
    proxy = _best(rest, _is_proxy, ("nginx", "proxy"))
    files, rebuilt = _files(project.directory, rest)
    return Found(
        database=_database(database) if database else None,
        web=_web([each for each in rest if not _is_proxy(each) and not _is_helper(each)]),
        proxy=proxy,
        files=files,
        rebuilt=rebuilt,
        config=_config(project, rest, env_files),
    )


def within(directory: Path, path: Path) -> str:
    """A path as the configuration names it: from the directory on, if it lies there."""
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)


def looks(path: Path, like: Callable[[Path], bool]) -> bool:
    """Whether a path looks like something; nothing can be said of one behind a closed directory."""
    try:
        return like(path)
    except OSError:
        return False


def is_open(directory: Path) -> bool:
    """Whether a directory is there and may be looked into."""
    return looks(directory, Path.is_dir) and os.access(directory, os.R_OK | os.X_OK)


def _is_postgres(service: Service) -> bool:
    return service.image in POSTGRES or "postgres" in service.programs


def _is_proxy(service: Service) -> bool:
    return service.image in PROXIES or bool(PROXIES & service.programs)


def _is_helper(service: Service) -> bool:
    return service.image in HELPERS or bool(HELPERS & service.programs)


def _best(
    services: Sequence[Service], fits: Callable[[Service], bool], names: Sequence[str]
) -> Service | None:
    """Of the services that fit, one with a usual name, else the first."""
    fitting = [each for each in services if fits(each)]
    named = [each for name in names for each in fitting if each.name == name]
    return next(iter([*named, *fitting]), None)


def _database(service: Service) -> DatabaseFound:
    """As PostgreSQL's images read their environment: who names nobody is postgres."""
    given = service.environment
    user = given.get("POSTGRES_USER") or given.get("POSTGRESQL_USERNAME") or "postgres"
    name = given.get("POSTGRES_DB") or given.get("POSTGRESQL_DATABASE") or user
    return DatabaseFound(service.name, user, name)


def _web(services: Sequence[Service]) -> Service | None:
    """The service that most looks like a web application; None where none does at all."""

    def points(service: Service) -> int:
        named = len(WEB_NAMES) - WEB_NAMES.index(service.name) if service.name in WEB_NAMES else 0
        runs = 10 if WEB_SERVERS & service.programs else 0
        django = 5 if "DJANGO_SETTINGS_MODULE" in service.environment else 0
        return (
            named + runs + django + (5 if service.health_path else 0) + (3 if service.ports else 0)
        )

    best = max(services, key=points, default=None)
    return best if best is not None and points(best) else None


def _files(
    directory: Path, services: Sequence[Service]
) -> tuple[tuple[FilesFound, ...], tuple[str, ...]]:
    """Media and logs, from mounts first; and what is only rebuilt."""
    found: dict[str, FilesFound] = {}
    rebuilt: list[str] = []
    mounts = [(service, mount) for service in services for mount in service.mounts]
    for service, mount in mounts:
        name = _usual_name(mount)
        if name in REBUILT:
            rebuilt.append(name)
        if name not in (*MEDIA, *LOGS):
            continue
        if mount.kind == "bind" and Path(mount.source).is_relative_to(directory):
            found.setdefault(name, FilesFound(name, within(directory, Path(mount.source))))
        elif mount.kind == "volume":
            found.setdefault(name, FilesFound(name, str(mount.inside), service.name))
    for name in (*MEDIA, *LOGS):
        if looks(directory / name, Path.is_dir):
            found.setdefault(name, FilesFound(name, name))
    order = [name for name in (*MEDIA, *LOGS) if name in found]
    return tuple(found[name] for name in order), tuple(dict.fromkeys(rebuilt))


def _usual_name(mount: Mount) -> str:
    """The name by which a mount tells what it is for, "" where it does not."""
    names = [mount.inside.name.lower()]
    if mount.kind == "bind":
        names.insert(0, PurePosixPath(mount.source).name.lower())
    return next((each for each in names if each in (*MEDIA, *LOGS, *REBUILT)), "")


def _config(
    project: Project, services: Sequence[Service], env_files: Iterable[Path]
) -> tuple[str, ...]:
    """What describes the application: Compose's files, environment files, and what is mounted
    into /etc of its containers."""
    directory = project.directory
    mounted = [
        Path(mount.source)
        for service in services
        for mount in service.mounts
        if mount.kind == "bind"
        and mount.inside.is_relative_to("/etc")
        and Path(mount.source).is_relative_to(directory)
    ]
    default = directory / ".env"
    usual = [default] if looks(default, Path.is_file) else []
    paths = [*project.env_files, *env_files, *usual, *project.files, *mounted]
    # A directory that cannot be seen from here may well be there.
    is_seen = is_open(directory)
    there = [path for path in paths if looks(path, Path.exists) or not is_seen]
    return tuple(dict.fromkeys(within(directory, path) for path in there))
