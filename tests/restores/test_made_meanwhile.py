"""What the application makes anew while its files are being moved is put aside, and holds up
neither the move nor its undo."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.restores.files_in_service import _BACK, _FIND, _MOVE
from bot.restores.stages import STAGE


class Service:
    """Live files of the version `old`, and beside them what is to be moved in: `new`."""

    def __init__(self, directory: Path) -> None:
        self.live, self._stage = directory / "media", directory / f"{STAGE}media-1"
        self._in, self._out = self._stage / "new", self._stage / "old"
        for place, version in ((self.live, "old"), (self._in, "new")):
            place.mkdir(parents=True)
            fill(place, version)
        self._mark = self._stage / ".operation-7"

    def run(self, script: str) -> list[str]:
        """Runs a script to its end; what it says was put aside."""
        places = [str(each) for each in (self.live, self._in, self._out, self._mark)]
        done = subprocess.run(
            ["sh", "-c", script, "sh", *places], capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    def cut_off_when_out(self) -> None:
        """The move as a loss of power leaves it once all that was live is out."""
        self._out.mkdir()
        for entry in [*self.live.iterdir()]:
            entry.rename(self._out / entry.name)
        for mark in ("begun", "out"):
            self._mark.with_name(f"{self._mark.name}.{mark}").touch()

    def cut_off_on_the_way_out(self) -> None:
        """The same when only the directory is out."""
        self._out.mkdir()
        (self.live / "uploads").rename(self._out / "uploads")
        self._mark.with_name(f"{self._mark.name}.begun").touch()

    def application_writes(self) -> None:
        """The application makes its directory anew, and writes."""
        fill(self.live, "late")


def fill(directory: Path, version: str) -> None:
    (directory / "uploads").mkdir(exist_ok=True)
    (directory / "uploads" / "one").write_text(version)
    (directory / "index").write_text(version)


def version(directory: Path) -> set[str]:
    """The versions of what lies there."""
    return {path.read_text() for path in (directory / "uploads" / "one", directory / "index")}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.mark.parametrize("moment", [Service.cut_off_when_out, Service.cut_off_on_the_way_out])
def test_the_move_goes_on_and_can_be_taken_back(
    service: Service, moment: Callable[[Service], None]
) -> None:
    moment(service)
    service.application_writes()
    late = service.run(_MOVE)
    assert {Path(each).name for each in late} >= {"uploads"}
    assert version(service.live) == {"new"}
    assert service.run(_BACK) == []
    assert (service.live / "uploads" / "one").read_text() == "old"
    assert {(Path(each) / "one").read_text() for each in late if Path(each).is_dir()} == {"late"}


@pytest.mark.parametrize("moment", [Service.cut_off_when_out, Service.cut_off_on_the_way_out])
def test_it_can_be_taken_back_at_once(service: Service, moment: Callable[[Service], None]) -> None:
    moment(service)
    service.application_writes()
    late = service.run(_BACK)
    assert late
    assert (service.live / "uploads" / "one").read_text() == "old"
    assert version(service._in) == {"new"}


def test_what_was_put_aside_is_told_as_something_not_to_be_lost(service: Service) -> None:
    service.cut_off_when_out()
    service.application_writes()
    service.run(_BACK)
    argv = ["sh", "-c", _FIND, "sh", str(service.live), f"{STAGE}media-"]
    found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    beside = service.live.parent / f"{STAGE}media-1"
    assert found == [f"0 {beside}", f"1 {beside}-late"]


def test_without_such_nothing_is_put_aside(service: Service) -> None:
    assert service.run(_MOVE) == []
    assert version(service.live) == {"new"}
    assert service.run(_BACK) == []
    assert version(service.live) == {"old"}
    assert not list(service.live.parent.glob("*-late"))
