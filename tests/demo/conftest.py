"""A directory for a demo, and nothing left running in it afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.playground.page.conftest import browser as browser
from tests.playground.page.conftest import screenshot as screenshot

START = 90.0
"""Seconds that a start may take on a busy machine."""


def zone_at_noon() -> str:
    """A time zone in which it is noon: no test runs across its midnight."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


NOON = zone_at_noon()


def processes_in(directory: Path) -> list[psutil.Process]:
    """The processes that work in the directory, or were started with its name."""
    found = []
    for process in psutil.process_iter():
        try:
            place, words = process.cwd(), " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # a zombie is gone too
            continue
        if place.startswith(str(directory)) or str(directory) in words:
            found.append(process)
    return found


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose name leaves room for the name of a database's socket."""
    with tempfile.TemporaryDirectory(prefix="demo-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the demo of a module's tests lies."""
    path = tmp_path_factory.mktemp("demo") / "demo"
    yield path
    for process in processes_in(path):
        process.kill()
