"""What `opsbell init` writes replaces nothing unasked, and is never there by half."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bot.config.load import load
from bot.errors import Failed, Refused
from bot.install import writing
from bot.install.writing import write_configuration

NOW = datetime(2026, 11, 22, 20, 5, 1, tzinfo=UTC)
TEXT = "timezone: Europe/Berlin\n"
KEPT = "opsbell.yaml.20261122T200501Z"


def write(path: Path, text: str = TEXT, *, force: bool = False) -> Path | None:
    return write_configuration(path, text, {}, force=force, now=NOW)


def contents(directory: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in directory.iterdir()}


def test_it_stands_there_alone_and_loads(tmp_path: Path) -> None:
    assert write(tmp_path / "opsbell.yaml") is None
    assert contents(tmp_path) == {"opsbell.yaml": TEXT}
    assert str(load(tmp_path / "opsbell.yaml", {}).timezone) == "Europe/Berlin"


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "opsbell.yaml").write_text("mine")
    with pytest.raises(Refused, match="exists already, and nothing was written"):
        write(tmp_path / "opsbell.yaml")
    assert contents(tmp_path) == {"opsbell.yaml": "mine"}


def test_by_force_the_old_one_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    path.write_text("mine")
    path.chmod(0o600)
    kept = write(path, force=True)
    assert kept == tmp_path / KEPT
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert contents(tmp_path) == {"opsbell.yaml": TEXT, KEPT: "mine"}


def test_of_two_within_a_second_both_old_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    for text in ("first", "second"):
        path.write_text(text)
        write(path, force=True)
    assert contents(tmp_path) == {"opsbell.yaml": TEXT, KEPT: "first", f"{KEPT}-1": "second"}


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    os.mkfifo(path)
    with pytest.raises(Failed, match="is no file"):
        write(path, force=True)
    assert [each.name for each in tmp_path.iterdir()] == ["opsbell.yaml"]


def test_by_force_a_link_that_leads_nowhere_is_replaced_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    path.symlink_to("gone.yaml")
    with pytest.raises(Refused):
        write(path)
    assert write(path, force=True) == tmp_path / KEPT
    assert (tmp_path / KEPT).readlink() == Path("gone.yaml")
    assert not path.is_symlink()
    assert path.read_text() == TEXT


def test_a_file_that_looks_like_a_draft_is_somebodys(tmp_path: Path) -> None:
    (tmp_path / "opsbell.yaml.new").write_text("mine")
    write(tmp_path / "opsbell.yaml")
    assert contents(tmp_path) == {"opsbell.yaml": TEXT, "opsbell.yaml.new": "mine"}


def test_what_does_not_load_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "opsbell.yaml").write_text("mine")
    with pytest.raises(Failed, match="timezone"):
        write(tmp_path / "opsbell.yaml", "timezone: Europe/Berlni", force=True)
    assert contents(tmp_path) == {"opsbell.yaml": "mine"}


@pytest.mark.parametrize("old", ["", "mine"], ids=("nothing", "another"))
def test_killed_at_any_line_it_leaves_the_old_one_or_all_of_the_new(
    tmp_path: Path, old: str
) -> None:
    """Until a child gets through, each next one is killed one line later."""
    seen = set()
    for line in range(1, 200):
        path = tmp_path / str(line) / "opsbell.yaml"
        path.parent.mkdir()
        if old:
            path.write_text(old)
        status = in_a_child_killed_at(line, path)
        found = path.read_text() if path.exists() else ""
        seen.add(found)
        assert found in (old, TEXT), f"killed at line {line}"
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            break
    assert seen == {old, TEXT}


def in_a_child_killed_at(line: int, path: Path) -> int:
    """The status of a child that writes, and dies as it comes to this line of the module."""
    left = line

    def count(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal left
        if frame.f_code.co_filename != writing.__file__:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return count

    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.settrace(count)
            write(path, force=True)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]
