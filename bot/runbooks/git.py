"""git in a target's directory: argument vectors, no hooks, no questions."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.backups.processes import failure
from bot.errors import NotFound, Refused
from bot.operations.model import StepContext
from bot.runbooks.commands import run_command
from bot.targets.model import Target
from bot.targets.text import storable

QUICK = timedelta(seconds=30)
REMOTE_LIMIT = timedelta(seconds=60)

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C.UTF-8",
}

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+=-]{0,199}")
_SHOWN = 5


@dataclass(frozen=True)
class Head:
    """What is checked out: a commit, and the branch that it was checked out by ("" for none)."""

    commit: str
    branch: str


def git_argv(target: Target, *arguments: str) -> list[str]:
    """git in the target's directory, whoever owns that; its hooks and file watchers do not run."""
    options = (
        f"safe.directory={target.directory()}",
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "protocol.ext.allow=never",
        "advice.detachedHead=false",
        "submodule.recurse=false",
        "maintenance.auto=false",
        "gc.auto=0",
    )
    return ["git", *(part for option in options for part in ("-c", option)), *arguments]


async def git(target: Target, *arguments: str, timeout: timedelta = QUICK) -> str:
    """What git answers. Raises Failed with what it says, NotFound where git is not installed."""
    done = await target.run(git_argv(target, *arguments), timeout=timeout, environment=ENVIRONMENT)
    if done.status:
        raise failure(target, f"git {arguments[0]}", done.status, done.stderr)
    return done.stdout


async def git_names(target: Target, *arguments: str) -> list[str]:
    """The names that git lists with -z, as this machine's file system has them."""
    argv, output = git_argv(target, *arguments), b""
    async with target.process(argv, environment=ENVIRONMENT) as process:
        async for chunk in process.chunks():
            output += chunk
        if status := await process.wait():
            raise failure(target, f"git {arguments[0]}", status, process.error_tail)
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


async def run_git(target: Target, context: StepContext, *arguments: str) -> None:
    """Runs git as a step's command, its output shown."""
    argv = git_argv(target, *arguments)
    await run_command(target, context, argv, environment=ENVIRONMENT, name=f"git {arguments[0]}")


def checked_ref(ref: str) -> str:
    """A ref that can be nothing else to git. Raises Refused."""
    if not _REF.fullmatch(ref) or ".." in ref or "@{" in ref or "//" in ref:
        raise Refused(f"{ref[:60]!r} is no name of a branch, tag or commit.")
    return ref


async def head(target: Target) -> Head:
    """What is checked out. Raises Failed where the directory is no git work tree."""
    commit = (await git(target, "rev-parse", "--verify", "HEAD^{commit}")).strip()
    done = await target.run(
        git_argv(target, "symbolic-ref", "--quiet", "--short", "HEAD"),
        timeout=QUICK,
        environment=ENVIRONMENT,
    )
    return Head(commit, done.stdout.strip() if done.status == 0 else "")


async def top(target: Target) -> Path:
    """The work tree's own directory, from which git names its files: the target's, or one above it.
    Raises Failed where there is none."""
    return Path((await git(target, "rev-parse", "--show-toplevel")).rstrip("\n"))


async def index_lock(target: Target) -> Path:
    """The file that git has where it works on the index, or has left where it died at it."""
    inner = await git(target, "rev-parse", "--git-path", "index.lock")
    return target.directory() / inner.rstrip("\n")


async def changes(target: Target) -> list[str]:
    """The tracked files that differ from what is checked out."""
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=no")
    listed = await git_names(target, "status", *options, "--ignore-submodules=dirty")
    return [entry[3:] for entry in listed]


async def refuse_changes(target: Target) -> None:
    """Raises Refused where tracked files were changed by hand: a checkout would lose them."""
    if changed := await changes(target):
        shown = storable(", ".join(changed[:_SHOWN])) + (" …" if len(changed) > _SHOWN else "")
        raise Refused(
            f"{target.directory()} has changes that are not committed: {target.redact(shown)}.",
            hint="Commit or revert them there (git status shows them).",
        )


async def resolve(target: Target, remote: str, ref: str) -> str:
    """The commit that a branch, a tag or a commit's own ID stands for at the remote, which alone
    is asked; nothing is fetched.

    Raises NotFound for what it does not have, Refused where a branch and a tag bear that name.
    """
    if _COMMIT.fullmatch(checked_ref(ref)):
        return ref
    names = {
        f"refs/heads/{ref}": "branch",
        f"refs/tags/{ref}": "tag",
        f"refs/tags/{ref}^{{}}": "tag",
        ref: "ref",
    }
    listed = await git(
        target, "ls-remote", "--", checked_remote(remote), *names, timeout=REMOTE_LIMIT
    )
    found: dict[str, str] = {}
    for line in listed.splitlines():
        commit, _, name = line.partition("\t")
        if kind := names.get(name):
            found[kind] = commit  # the commit of an annotated tag is listed after the tag itself
    if not found:
        raise NotFound(
            f"{remote} has no branch or tag called {ref}.",
            hint="A commit is given by its whole ID.",
        )
    if len(set(found.values())) > 1:
        raise Refused(f"{remote} has a branch and a tag called {ref}.", hint="Say the commit's ID.")
    return next(iter(found.values()))


def checked_remote(remote: str) -> str:
    """A remote's name. Raises Refused for anything else, such as a URL with a program in it."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", remote):
        raise Refused(f"{remote[:60]!r} is no name of a git remote.")
    return remote


async def has_commit(target: Target, commit: str) -> bool:
    """Whether the repository holds a commit."""
    done = await target.run(
        git_argv(target, "cat-file", "-e", f"{commit}^{{commit}}"),
        timeout=QUICK,
        environment=ENVIRONMENT,
    )
    return done.status == 0


async def added(target: Target, before: str, after: str) -> list[str]:
    """The files that one commit has and another, which is checked out, has not: from `top` on."""
    options = ("--name-only", "-z", "--no-renames", "--diff-filter=A")
    return await git_names(target, "diff", *options, before, after, "--")
