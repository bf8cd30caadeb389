"""GrandVPS's releases: the repository they come from, and how the demo does without git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.demo import releases


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        ("git", *arguments), cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.needs("git")
def test_each_release_is_a_tag_with_its_own_version(tmp_path: Path) -> None:
    origin, site = tmp_path / "origin.git", tmp_path / "site"
    assert releases.make(origin, site)
    assert git(site, "describe", "--tags") == "v1.4.0"
    for release in releases.RELEASES:
        assert f"v{git(site, 'show', f'{release.tag}:VERSION')}" == release.tag
    assert git(origin, "rev-parse", "main") == git(site, "rev-parse", "v1.6.0^{commit}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["origin.git", "site"]


@pytest.mark.needs("git")
def test_the_same_releases_everywhere_whatever_the_users_git_is_set_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    releases.make(first / "origin.git", first / "site")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\nname = Somebody\n[commit]\ngpgSign = true\n[core]\nautocrlf = true\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    releases.make(second / "origin.git", second / "site")
    monkeypatch.delenv("GIT_DIR")
    assert git(first / "site", "rev-parse", "v1.6.0") == git(second / "site", "rev-parse", "v1.6.0")


@pytest.mark.needs("git")
def test_what_a_start_that_was_cut_off_left_is_made_anew(tmp_path: Path) -> None:
    for name in ("origin.git.work", "origin.git.new", "site.new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").touch()
    assert releases.make(tmp_path / "origin.git", tmp_path / "site")
    assert not (tmp_path / "site/half").exists()


def test_without_git_the_first_release_lies_there_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not releases.make(tmp_path / "origin.git", tmp_path / "site")
    assert (tmp_path / "site/VERSION").read_text() == "1.4.0\n"
    assert (tmp_path / "site/.gitignore").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
