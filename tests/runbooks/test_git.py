"""Checking out a commit, and going back from wherever it was cut off."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from bot.errors import Failed, NotFound, Refused
from bot.runbooks import git
from bot.runbooks.steps import git_step
from tests.runbooks.conftest import Place, opened_place
from tests.runbooks.contexts import Context
from tests.targets.places import host_settings

pytestmark = pytest.mark.needs("git")


class Repositories:
    """A remote, and the target's clone of it."""

    def __init__(self, root: Path, clone: Path) -> None:
        self.remote, self.clone = root / "remote", clone
        self.remote.mkdir()
        self.git(self.remote, "init", "--quiet", "--initial-branch=main")
        self.first = self.commit({"app.py": "one\n", "old.py": "old\n"}, "First")
        self.git(root, "clone", "--quiet", str(self.remote), str(clone))
        (self.remote / "old.py").unlink()
        self.second = self.commit({"app.py": "two\n", "new.py": "new\n"}, "Second")
        self.git(self.remote, "tag", "-a", "v2", "-m", "Two")

    def git(self, directory: Path, *argv: str) -> str:
        names = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
        argv = ("git", *names, *argv)
        done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, files: dict[str, str], message: str) -> str:
        for name, text in files.items():
            (self.remote / name).write_text(text)
        self.git(self.remote, "add", "-A")
        self.git(self.remote, "commit", "--quiet", "-m", message)
        return self.git(self.remote, "rev-parse", "HEAD")

    def git_path(self, name: str) -> Path:
        """Where git keeps something of the clone's own."""
        return self.clone / self.git(self.clone, "rev-parse", "--git-path", name)

    def state(self) -> tuple[str, str, list[str]]:
        """What the clone has checked out, by what, and all its files that git sees changed."""
        branch = self.git(self.clone, "rev-parse", "--abbrev-ref", "HEAD")
        status = self.git(self.clone, "status", "--porcelain", "--ignored").splitlines()
        return self.git(self.clone, "rev-parse", "HEAD"), branch, status


@pytest.fixture
def repositories(tmp_path: Path, host: Place) -> Repositories:
    host.target.directory().rmdir()
    return Repositories(tmp_path, host.target.directory())


@pytest.fixture(params=["clone", "below", "worktree"])
async def anywhere(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Place, Repositories]]:
    """A target that is a clone, lies in a directory of one, or is a work tree linked to one."""
    clone = directory = tmp_path / "application"
    if request.param == "worktree":
        repositories = Repositories(tmp_path, tmp_path / "first")
        repositories.git(repositories.clone, "checkout", "--quiet", "--detach")
        repositories.git(repositories.clone, "worktree", "add", "--quiet", str(clone), "main")
        repositories.clone = clone
    else:
        repositories = Repositories(tmp_path, clone)
    if request.param == "below":
        directory = clone / "site"
        directory.mkdir()
    async with opened_place(host_settings(directory)) as place:
        yield place, repositories


async def planned(place: Place, ref: str = "main") -> Context:
    commit = await git.resolve(place.target, "origin", ref)
    return Context(git_step("origin", ref, commit, await git.head(place.target)))


@pytest.mark.parametrize("ref", ["main", "v2", "refs/heads/main", "the commit"])
async def test_a_commit_is_fetched_and_checked_out_and_back(
    host: Place, repositories: Repositories, ref: str
) -> None:
    before = repositories.state()
    context = await planned(host, repositories.second if ref == "the commit" else ref)
    assert repositories.state() == before
    assert await host.kinds["git"].done(context) is None
    result = await host.kinds["git"].run(context)
    assert result["commit"] == repositories.second
    assert repositories.state() == (repositories.second, "HEAD", [])
    assert await host.kinds["git"].done(context) is not None
    for _ in range(2):
        await host.kinds["git"].undo(context)
        assert repositories.state() == before == (repositories.first, "main", [])


async def test_changes_that_are_not_committed_are_refused(
    host: Place, repositories: Repositories
) -> None:
    context = await planned(host)
    (repositories.clone / "app.py").write_text("by hand\n")
    with pytest.raises(Refused, match=r"has changes that are not committed: app\.py"):
        await host.kinds["git"].run(context)
    assert (repositories.clone / "app.py").read_text() == "by hand\n"


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("text", ["mine\n", "new\nand mine\n"])
@pytest.mark.parametrize("age", [60, -60])
async def test_files_in_the_way_are_refused_and_stay(
    anywhere: tuple[Place, Repositories], ignored: bool, text: str, age: int
) -> None:
    host, repositories = anywhere
    context = await planned(host)
    new = repositories.clone / "new.py"
    new.write_text(text)
    if ignored:
        exclude = repositories.git_path("info/exclude")
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text("new.py\n")
    # Somebody may write to it still.
    assert context.step.started
    written = context.step.started.timestamp() - age
    os.utime(new, (written, written))
    with pytest.raises(Refused, match=r"new\.py would be written over") as refused:
        await host.kinds["git"].run(context)
    assert refused.value.hint == f"Move it away in {repositories.clone}."
    await host.kinds["git"].undo(context)
    assert new.read_text() == text
    assert repositories.state()[0] == repositories.first


async def test_a_checkout_that_was_cut_off_goes_back_whole(
    anywhere: tuple[Place, Repositories],
) -> None:
    host, repositories = anywhere
    before = repositories.state()
    context = await planned(host)
    repositories.git(repositories.clone, "fetch", "--quiet", "origin")
    # Killed in the middle: some files removed, written, half written; the index is as before.
    (repositories.clone / "old.py").unlink()
    (repositories.clone / "app.py").write_text("tw")
    (repositories.clone / "new.py").write_text("ne")
    repositories.git_path("index.lock").touch()
    assert await host.kinds["git"].done(context) is None
    await host.kinds["git"].undo(context)
    assert repositories.state() == before
    await host.kinds["git"].run(context)
    assert repositories.state() == (repositories.second, "HEAD", [])


async def test_what_a_cut_off_checkout_wrote_goes_whatever_it_is_and_nothing_else(
    host: Place, repositories: Repositories
) -> None:
    files = {".gitattributes": "*.txt text eol=crlf\n"}
    repositories.commit(files, "Line ends")
    repositories.git(repositories.clone, "pull", "--quiet")
    before = repositories.state()
    (repositories.remote / "link").symlink_to("nowhere")
    (repositories.remote / "old.d").mkdir()
    added = {"windows.txt": "one\ntwo\n", "old.d/one.py": "one\n", "data": "committed\n"}
    repositories.commit(added | {"empty": "", "other": "1"}, "New files")
    context = await planned(host)
    repositories.git(repositories.clone, "fetch", "--quiet", "origin")
    clone = repositories.clone
    (clone / "link").symlink_to("nowhere")
    (clone / "windows.txt").write_bytes(b"one\r\ntwo\r\n")
    (clone / "empty").touch()
    (clone / "old.d").touch()
    (clone / "data").write_text("written since")
    (clone / "other").symlink_to("data")
    await host.kinds["git"].undo(context)
    assert repositories.state() == (before[0], before[1], ["?? data", "?? old.d", "?? other"])
    assert (clone / "data").read_text() == "written since"


async def test_what_someone_checked_out_meanwhile_is_left_alone(
    host: Place, repositories: Repositories
) -> None:
    context = await planned(host)
    third = repositories.commit({"app.py": "three\n"}, "Third")
    repositories.git(repositories.clone, "fetch", "--quiet", "origin")
    repositories.git(repositories.clone, "checkout", "--quiet", "--detach", third)
    with pytest.raises(Refused, match="Another commit"):
        await host.kinds["git"].run(context)
    with pytest.raises(Refused, match="Another commit"):
        await host.kinds["git"].undo(context)
    assert repositories.state()[0] == third


async def test_refs_that_are_not_there_or_not_clear(
    host: Place, repositories: Repositories
) -> None:
    with pytest.raises(NotFound, match="origin has no branch or tag called nothing"):
        await git.resolve(host.target, "origin", "nothing")
    repositories.git(repositories.remote, "branch", "v2", repositories.first)
    with pytest.raises(Refused, match="a branch and a tag called v2"):
        await git.resolve(host.target, "origin", "v2")
    for ref in ("--upload-pack=touch hacked", "-x", "a..b", "HEAD@{1}", "a b", "", "$(touch x)"):
        with pytest.raises(Refused, match="no name of a branch"):
            await git.resolve(host.target, "origin", ref)
    for remote in ("--upload-pack=x", "ext::sh -c touch% hacked", "https://example.com/x"):
        with pytest.raises(Refused, match="no name of a git remote"):
            await git.resolve(host.target, remote, "main")


async def test_a_commit_that_the_remote_lacks_changes_nothing(
    host: Place, repositories: Repositories
) -> None:
    before = repositories.state()
    context = await planned(host, "0123456789abcdef" * 2 + "01234567")
    with pytest.raises(Failed):
        await host.kinds["git"].run(context)
    await host.kinds["git"].undo(context)
    assert repositories.state() == before


async def test_hooks_do_not_run(host: Place, repositories: Repositories) -> None:
    hook = repositories.clone / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    await host.kinds["git"].run(await planned(host))
    assert not (repositories.clone / "hooked").exists()


@pytest.mark.needs("root")
async def test_a_directory_of_someone_elses_is_read_all_the_same(
    host: Place, repositories: Repositories
) -> None:
    for path in (repositories.clone, repositories.clone / ".git"):
        await asyncio.to_thread(os.chown, path, 1234, 1234)
    await host.kinds["git"].run(await planned(host))
    assert (await git.head(host.target)).commit == repositories.second


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1])
async def test_git_killed_at_any_moment_goes_back_whole(
    host: Place, repositories: Repositories, delay: float
) -> None:
    text = "x" * 2_000 + "\n"
    repositories.commit({f"old{n}.py": text for n in range(800)}, "Old files")
    repositories.git(repositories.clone, "pull", "--quiet")
    before = repositories.state()
    for number in range(800):
        (repositories.remote / f"old{number}.py").unlink()
    wanted = repositories.commit({f"new{n}.py": text for n in range(800)} | {"app.py": "5"}, "New")
    context = await planned(host)
    running = asyncio.create_task(host.kinds["git"].run(context))
    while not (
        running.done() or await asyncio.to_thread(_kill_checkout, repositories.clone, delay)
    ):
        await asyncio.sleep(0)
    done = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(done[0], Failed | dict)
    await host.kinds["git"].undo(context)
    assert repositories.state() == before
    await host.kinds["git"].run(await planned(host))
    assert repositories.state() == (wanted, "HEAD", [])


def _kill_checkout(clone: Path, delay: float) -> bool:
    """Kills the clone's checkout once it runs, after a delay; False where none runs yet."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            is_checkout = process.name() == "git" and "checkout" in process.cmdline()
            if is_checkout and process.cwd() == str(clone):
                time.sleep(delay)
                process.kill()
                return True
    return False
