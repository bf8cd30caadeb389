"""GrandVPS's releases: a git repository to deploy from, and a checkout that runs.

Everything is committed with an identity and times of its own, and the git configuration of whoever
starts the demo is neither read nor written. Blocking: called in a thread.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Failed

_GRANDVPS = Path(__file__).parent / "grandvps"


@dataclass(frozen=True)
class Release:
    """A release: what it changes lies in `grandvps/changes`, `note` is its commit's message."""

    tag: str
    note: str
    date: str

    @property
    def changes(self) -> Path:
        """The files that it adds or replaces; the first release is all of its files."""
        if self == RELEASES[0]:
            return _GRANDVPS / "release"
        return _GRANDVPS / "changes" / self.tag.replace(".", "_")


RELEASES = (
    Release("v1.4.0", "Servers by the hour", "2026-01-12T10:00:00Z"),
    Release("v1.4.1", "Servers by the minute", "2026-02-03T10:00:00Z"),
    Release("v1.5.0", "Tickets have a priority", "2026-03-10T10:00:00Z"),
    Release("v1.6.0", "Rewards for referrals", "2026-04-07T10:00:00Z"),
)
"""v1.5.0 brings a migration. v1.6.0 asks for a column that none brings: it never gets healthy."""

_CONFIG = {
    "advice.detachedHead": "false",
    "commit.gpgSign": "false",
    "init.defaultBranch": "main",
    "tag.gpgSign": "false",
    "user.email": "releases@grandvps.example",
    "user.name": "GrandVPS",
}


def make(origin: Path, site: Path) -> bool:
    """Makes the repository, and the checkout of the first release, where they are not there yet.

    Each gets its name once it is whole. False where git is not installed: `site` then holds the
    first release's files alone. Raises Failed where git does not do its work.
    """
    has_git = shutil.which("git") is not None
    if has_git and not origin.exists():
        _make_origin(origin)
    if not site.exists():
        new = _empty(site.with_name(f"{site.name}.new"))
        if has_git:
            _git(new.parent, "clone", "--quiet", str(origin), str(new))
            _git(new, "checkout", "--quiet", RELEASES[0].tag)
        else:
            _copy(RELEASES[0], new)
        new.rename(site)
    return (site / ".git").exists() and has_git


def _make_origin(origin: Path) -> None:
    work = _empty(origin.with_name(f"{origin.name}.work"))
    new = _empty(origin.with_name(f"{origin.name}.new"))
    _git(work, "init", "--quiet")
    for release in RELEASES:
        _copy(release, work)
        at = {"GIT_AUTHOR_DATE": release.date, "GIT_COMMITTER_DATE": release.date}
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--message", release.note, environment=at)
        _git(work, "tag", release.tag)
    _git(work, "clone", "--quiet", "--bare", str(work), str(new))
    new.rename(origin)
    shutil.rmtree(work)


def _empty(directory: Path) -> Path:
    """The directory without what a start that was cut off left in it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _copy(release: Release, into: Path) -> None:
    without = shutil.ignore_patterns("__pycache__", ".*_cache")
    # Without the files' own times, by which git would take a changed file of one size for the same.
    shutil.copytree(
        release.changes, into, ignore=without, copy_function=shutil.copyfile, dirs_exist_ok=True
    )
    # Under its own name it would hold for Opsbell's repository too.
    if (plain := into / "gitignore").exists():
        plain.rename(into / ".gitignore")


def _git(cwd: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    settings = [part for name, value in _CONFIG.items() for part in ("-c", f"{name}={value}")]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    done = subprocess.run(
        ("git", *settings, *arguments),
        cwd=cwd,
        env=own | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"git {arguments[0]} failed: {done.stdout.strip()}")
