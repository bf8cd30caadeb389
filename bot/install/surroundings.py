"""What `opsbell init` sees around it: Docker, its projects, and the one that is chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.config.words import nearest
from bot.errors import OpsbellError, Unavailable, UsageError
from bot.install.discovery import Found, is_open, looks, recognise
from bot.install.health import candidates, first_healthy
from bot.install.questions import Flags, Question, answer
from bot.targets.compose_command import DEFAULT_FILES
from bot.targets.compose_model import read_model
from bot.targets.engine import Engine
from bot.targets.own_container import own_container
from bot.targets.projects import Project, Service, find_projects, project_of, services_of
from bot.words import join

# What Compose adds to the file that it finds.
_OVERRIDES = tuple(name.replace(".y", ".override.y") for name in DEFAULT_FILES)
_SAMPLES = (".example", ".sample", ".template", ".dist")


@dataclass(frozen=True)
class Surroundings:
    """The Compose projects that run, by name, without Opsbell's own; `trouble` is why Docker
    does not say, "" where it does. `in_container` is whether Opsbell runs in one."""

    projects: Mapping[str, Project]
    trouble: str
    in_container: bool


@dataclass(frozen=True)
class Inspected:
    """What was recognised in a project, and the URL that says that it is well ("" for none).
    `services` are all of it; `notes` say what could not be seen, and what to do about it."""

    found: Found
    services: tuple[str, ...]
    health_url: str
    notes: tuple[str, ...]


async def look_around() -> Surroundings:
    """Asks Docker for its projects. Never raises for Docker's sake."""
    own = own_container()
    try:
        async with _engine() as engine:
            projects = await find_projects(engine)
            if own:
                projects.pop(await project_of(engine, own), None)
    except Unavailable as error:
        return Surroundings({}, str(error), own is not None)
    return Surroundings(projects, "", own is not None)


def choose_project(flags: Flags, around: Surroundings) -> Project:
    """The project that is meant. Raises UsageError where that cannot be known."""
    if flags.directory:
        return _in_directory(flags.directory, flags.project, around)
    running = around.projects
    if flags.project and flags.project not in running:
        raise _not_running(flags.project, around)
    if len(running) == 1 or flags.project:
        return running[flags.project] if flags.project else next(iter(running.values()))
    if running:
        told = f"Compose project ({join(list(running), 'or')})"
        hint = "Several run; say which with --project NAME."
        return answer(
            Question("project", told, hint=hint), flags, lambda name: _named(name, running)
        )
    why = around.trouble or "No Compose project runs here."
    question = Question(
        "directory",
        "Directory of the Compose project",
        hint=f"{why} Without Docker's help, say where the project lies.",
    )
    return answer(question, flags, lambda text: _in_directory(text, flags.project, around))


async def inspect(project: Project, around: Surroundings) -> Inspected:
    """Looks at a project's containers, or at its files where it does not run."""
    notes: list[str] = []
    services: tuple[Service, ...] = ()
    env_files: tuple[Path, ...] = ()
    if project.name in around.projects:
        try:
            async with _engine() as engine:
                services = await services_of(engine, project.name)
        except Unavailable as error:
            notes.append(str(error))
    if not is_open(project.directory):
        unseen = f"{project.directory} is not to be seen from here, so its files were not read."
        advice = "Run init where, and as whom, it can be read."
        notes.append(
            f"{unseen} {_prepare(project, 'mounts it') if around.in_container else advice}"
        )
    else:
        try:
            model = await read_model(project)
        except Unavailable as error:
            notes.append(str(error))
        else:
            services, env_files = services or model.services, model.env_files
    found = recognise(project, services, env_files=env_files)
    urls = candidates(found, in_container=around.in_container)
    health_url = await first_healthy(urls)
    notes.append("" if health_url else _unhealthy(project, found, urls, around))
    return Inspected(
        found, tuple(each.name for each in services), health_url, tuple(filter(None, notes))
    )


def _unhealthy(project: Project, found: Found, urls: list[str], around: Surroundings) -> str:
    """Why there is no health URL; "" where none was to be expected."""
    if around.in_container and found.web:
        return (
            f"{found.web.name} is not reached from Opsbell's container, so its health is not"
            f" checked. {_prepare(project, 'joins its network')}"
        )
    if urls:
        return f"None of these answered 2xx, so no health URL is set: {', '.join(urls)}."
    if found.web and found.web.ports:
        return (
            f"{found.web.name} is published at another port after each start, so no health URL"
            " is set. A fixed port in the Compose file changes that."
        )
    return ""


def _prepare(project: Project, effect: str) -> str:
    """What makes a project fully visible to Opsbell's container."""
    return (
        f"On the server, docker/prepare {project.name} {effect}; then run init again with --force."
    )


def _named(name: str, running: Mapping[str, Project]) -> Project:
    if name not in running:
        raise UsageError(
            f'No Compose project "{name}" runs{nearest(name, running)}.',
            hint=f"There run {join(list(running))}.",
        )
    return running[name]


def _not_running(name: str, around: Surroundings) -> UsageError:
    if around.trouble:
        return UsageError(
            around.trouble, hint="To go on without Docker, say where the project lies: --directory."
        )
    there = f"There run {join(list(around.projects))}." if around.projects else "None runs."
    return UsageError(
        f'No Compose project "{name}" runs{nearest(name, around.projects)}. {there}',
        hint="Start it (docker compose up -d), or say where it lies: --directory.",
    )


def _in_directory(text: str, name: str, around: Surroundings) -> Project:
    """The project in a directory: as it runs, if it does, else as its files are."""
    directory = _absolute(text)
    for running in around.projects.values():
        if running.directory == directory and name in ("", running.name):
            return running
    if name in around.projects:
        raise UsageError(
            f"The Compose project {name} runs in {around.projects[name].directory},"
            f" not in {directory}.",
            hint="Leave out --directory.",
        )
    is_seen = looks(directory, Path.is_dir)
    if not is_seen and not around.in_container:
        raise UsageError(f"There is no directory {directory}.", hint="Name the project's own.")
    first = next((each for each in DEFAULT_FILES if looks(directory / each, Path.is_file)), "")
    if not first and is_seen:
        raise UsageError(
            f"There is no Compose file in {directory}.", hint="Name the project's own."
        )
    override = [each for each in _OVERRIDES if looks(directory / each, Path.is_file)][:1]
    files = tuple(directory / each for each in (first, *override) if each)
    return Project(name or _default_name(directory), directory, files, _environment(directory))


def _absolute(text: str) -> Path:
    """The path as it was typed, its links too, but without ``..``."""
    parts = Path(text).expanduser().absolute().parts
    # What stands before a `..` may be a link, so only the file system knows where that leads.
    climbed = max((n for n, part in enumerate(parts, 1) if part == ".."), default=0)
    return Path(*parts[:climbed]).resolve().joinpath(*parts[climbed:])


def _default_name(directory: Path) -> str:
    """As Compose names a project after its directory."""
    kept = "".join(c for c in directory.name.lower() if c.isascii() and (c.isalnum() or c in "-_"))
    name = kept.lstrip("-_")
    if not name:
        raise UsageError(f"{directory} gives the project no name.", hint="Name it with --project.")
    return name


def _environment(directory: Path) -> tuple[Path, ...]:
    """The environment file that Compose has to be told of: where there is no .env but just one
    of another name."""
    if looks(directory / ".env", Path.exists) or not is_open(directory):
        return ()
    others = [each for each in directory.glob(".env.*") if not each.name.endswith(_SAMPLES)]
    return tuple(others) if len(others) == 1 else ()


@asynccontextmanager
async def _engine() -> AsyncIterator[Engine]:
    engine = Engine()
    try:
        yield engine
    except OpsbellError as error:
        # Whatever Docker refuses here, init goes on with what it is told.
        raise error if isinstance(error, Unavailable) else Unavailable(str(error)) from error
    finally:
        await engine.close()
