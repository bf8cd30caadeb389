"""Fixtures that every test may use: the real parts, each started when first asked for."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

import pytest

from bot.cancelling import end
from bot.log import LineFormatter
from bot.store.database import Database
from bot.store.events import EventLog
from bot.store.migrate import migrate
from bot.store.queue import Queue
from tests.parts.compose_project import ComposeProject, new_project, remove_orphans
from tests.parts.django_project.project import DjangoProject, new_django_project
from tests.parts.postgres import PostgresServer, postgres_server
from tests.parts.require import need, required


def pytest_configure() -> None:
    try:
        required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the crash campaigns have tried, with their seeds, also where all went well."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "crash" and report.when == "call":
                    terminalreporter.write_line(str(value))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Judge the `needs` markers before any fixture starts."""
    for marker in item.iter_markers("needs"):
        need(*marker.args)


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """What runs in the tests' own process may set up logging as the program does, and keep all
    later tests from seeing what is logged."""
    root, hook = logging.getLogger(), sys.excepthook
    level = root.level
    yield
    sys.excepthook = hook
    root.setLevel(level)
    for handler in [each for each in root.handlers if isinstance(each.formatter, LineFormatter)]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The run's own PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a new empty database, dropped after the test."""
    with postgres.new_database() as url:
        yield url


@pytest.fixture(scope="session")
def compose_ready() -> None:
    """Clear the way for Compose projects: the parts are there, killed runs' leftovers are not."""
    need("docker", "compose", "postgres-image", "web-image")
    remove_orphans()


@pytest.fixture(scope="module")
def grandvps(
    compose_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    """A running Compose project with PostgreSQL 17, shared by the tests of a module."""
    yield from _running(new_project(tmp_path_factory.mktemp("compose")))


@pytest.fixture(scope="module")
def grandvps15(
    compose_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    """The same with PostgreSQL 15, whose pg_dump knows no zstd."""
    yield from _running(new_project(tmp_path_factory.mktemp("compose"), postgres=15))


@pytest.fixture
def own_grandvps(
    compose_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    """A Compose project with PostgreSQL 17 for one test alone, which may damage it."""
    yield from _running(new_project(tmp_path_factory.mktemp("compose")))


@pytest.fixture(scope="module")
def django(
    compose_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DjangoProject]:
    """A running Django project with nginx before it, at its first release, deployed from git; the
    tests of a module share it."""
    need("django-image", "git")
    yield from _running(new_django_project(tmp_path_factory.mktemp("compose")))


@pytest.fixture
def own_django(
    compose_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DjangoProject]:
    """The same for one test alone."""
    need("django-image", "git")
    yield from _running(new_django_project(tmp_path_factory.mktemp("compose")))


_Project = TypeVar("_Project", bound=ComposeProject)


def _running(project: _Project) -> Iterator[_Project]:
    project.start()
    try:
        yield project
    finally:
        project.remove()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Opsbell's own database, migrated, in a PostgreSQL database of this test's own."""
    async with Database(database_url, EventLog(b"a key for tests")) as opened:
        await migrate(opened)
        yield opened


@pytest.fixture
async def queue(database: Database) -> Queue:
    """The durable queue, open for deferring; nobody works it off (see `working`)."""
    opened = Queue(database)
    await opened.open()
    return opened


@pytest.fixture
async def working(queue: Queue) -> AsyncIterator[Queue]:
    """The durable queue with its workers running."""
    workers = asyncio.create_task(queue.run())
    yield queue
    await end([workers])
