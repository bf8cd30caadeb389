"""The Django project's releases: a bare repository to deploy from, and the checkout that runs.

    v1 ── v2 ── v3 ── v4      v3 is main; v4's migration fails
          ├──── v5            never gets healthy
          ├──── v6            cannot be built
          └──── v7            its tests fail

Each release's page names it. Git's own configuration on this machine is neither read nor written.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCES = Path(__file__).parent
_DOCS = Path(__file__).parents[3] / "docs"
_CONFIG = {
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "user.email": "releases@grandvps.example",
    "user.name": "Grace",
}


@dataclass(frozen=True)
class Release:
    """A release, on what it is based, and its commit's message."""

    tag: str
    parent: str
    note: str

    @property
    def changes(self) -> Path:
        """The files that it adds or replaces; the first release is all of its files."""
        return _SOURCES / "changes" / self.tag if self.parent else _SOURCES / "release"


RELEASES = (
    Release("v1", "", "Servers by the hour"),
    Release("v2", "v1", "A new start page"),
    Release("v3", "v2", "Servers have a price"),
    Release("v4", "v3", "Customers have an address"),
    Release("v5", "v2", "Payments through the agent"),
    Release("v6", "v2", "Another library for payments"),
    Release("v7", "v2", "A warmer welcome"),
)
FIRST, MAIN = "v1", "v3"


def make_origin(origin: Path) -> None:
    """Makes the bare repository with all releases as tags, and `MAIN` as its branch."""
    work = origin.with_name(f"{origin.name}.work")
    work.mkdir(parents=True)
    git(work, "init", "--quiet")
    for release in RELEASES:
        if release.parent:
            git(work, "checkout", "--quiet", "--detach", release.parent)
        copy_release(release, work)
        commit(work, release.note)
        git(work, "tag", release.tag)
    git(work, "checkout", "--quiet", "-B", "main", MAIN)
    git(work, "clone", "--quiet", "--bare", str(work), str(origin))
    shutil.rmtree(work)


def check_out(origin: Path, directory: Path, tag: str = FIRST) -> None:
    """Clones the repository into a new directory, with the branch main at a release."""
    git(origin, "clone", "--quiet", str(origin), str(directory))
    git(directory, "reset", "--quiet", "--hard", tag)


def copy_release(release: Release, into: Path) -> None:
    """Puts a release's files over those of the one that it is based on."""
    without = shutil.ignore_patterns("__pycache__", ".*_cache")
    # Without the files' own times, by which git would take a changed file of one size for the same.
    shutil.copytree(
        release.changes, into, ignore=without, copy_function=shutil.copyfile, dirs_exist_ok=True
    )
    if release == RELEASES[0]:
        # What the documentation tells people to include.
        shutil.copyfile(_DOCS / "nginx-maintenance.conf", into / "nginx/maintenance.inc")
        shutil.copyfile(_DOCS / "nginx-maintenance-allow.conf", into / "nginx/allow.conf")
    # Under their own names they would hold for Opsbell's repository too.
    for plain in ("gitignore", "dockerignore"):
        if (into / plain).exists():
            (into / plain).rename(into / f".{plain}")


def commit(work: Path, note: str) -> str:
    """Commits all that has changed and returns the commit."""
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", note)
    return git(work, "rev-parse", "HEAD")


def git(cwd: Path, *arguments: str) -> str:
    """Runs git and returns what it prints. Raises CalledProcessError."""
    settings = [part for name, value in _CONFIG.items() for part in ("-c", f"{name}={value}")]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    argv = ("git", *settings, *arguments)
    done = subprocess.run(argv, cwd=cwd, env=own, check=True, capture_output=True, text=True)
    return done.stdout.strip()
