"""The directory that `opsbell init` is told."""

from pathlib import Path

import pytest

from bot.install.questions import Flags
from bot.install.surroundings import Surroundings, choose_project


def chosen(text: str) -> Path:
    return choose_project(Flags(Path("x"), directory=text), Surroundings({}, "", False)).directory


def test_the_directory_is_absolute_without_dots_and_with_its_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases, elsewhere = tmp_path / "releases", tmp_path / "elsewhere"
    for directory in (releases / "one", elsewhere):
        directory.mkdir(parents=True)
        (directory / "compose.yaml").touch()
    (elsewhere / "current").symlink_to(releases / "one")
    monkeypatch.chdir(elsewhere)
    assert chosen("../releases/one") == releases / "one"
    assert chosen("..//elsewhere/.") == elsewhere
    # A link that people mean, such as the current release, stays.
    assert chosen("current") == chosen("../elsewhere/current") == elsewhere / "current"
    # As the kernel understands it: above what the link leads to.
    assert chosen("current/../one") == releases / "one"
