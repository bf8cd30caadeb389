"""A PostgreSQL server in a container, reached over TCP with a password, as most people have it."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.parts.compose_project import project_label, remove_project
from tests.parts.owner import owner_tag

USER, PASSWORD, DATABASE = "opsbell", "the-right-password", "opsbell"
_READY_LIMIT = 30.0
"""Seconds that the server gets to make its cluster and let somebody in."""

_numbers = itertools.count(1)


class DatabaseContainer:
    """A running server with one user, who may do everything, and one database."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.port = 0

    @property
    def url(self) -> str:
        """The URL with the right password."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def gateway(self) -> str:
        """The address from which it sees this machine."""
        template = "{{.NetworkSettings.Networks.bridge.Gateway}}"
        return _output("docker", "inspect", "--format", template, self._name)

    def exec(self, *argv: str) -> None:
        """Run a command in the container. Raises CalledProcessError."""
        _output("docker", "exec", self._name, *argv)

    def restart(self) -> None:
        """Start it again, at another port, and wait until it lets somebody in."""
        _output("docker", "restart", self._name)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once somebody is let in. Raises OperationalError."""
        published = _output("docker", "port", self._name, "5432/tcp")
        self.port = int(published.split()[0].rpartition(":")[2])
        deadline = time.monotonic() + _READY_LIMIT
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


@contextmanager
def database_container() -> Iterator[DatabaseContainer]:
    """Start a server; remove it afterwards. A killed run's is removed as its projects are."""
    name = f"{owner_tag()}-database-{next(_numbers)}"
    settings = {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": DATABASE}
    environment = [f"--env={key}={value}" for key, value in settings.items()]
    label = f"--label={project_label(name)}"
    argv = ("docker", "run", "--detach", f"--name={name}", label, *environment)
    try:
        _output(*argv, "--publish=127.0.0.1::5432", "opsbell-test/postgres:17")
        container = DatabaseContainer(name)
        container.wait_until_ready()
        yield container
    finally:
        remove_project(name)


def _output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
