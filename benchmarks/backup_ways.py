"""The ways of backing up and restoring that `benchmarks.backup` measures beside one another."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import join

from bot.operations.states import OperationState
from tests.backups.conftest import Bench
from tests.parts.compose_project import ComposeProject, run
from tests.parts.process import ChildProcess

ROOT = Path(__file__).parents[1]
SCRATCH = "/tmp/bare"  # noqa: S108 - in the container
GUIDE, BARE, OPSBELL = "guide", "bare", "Opsbell"
BACKUP, RESTORE = "backup", "restore"


@dataclass(frozen=True)
class Taken:
    """One run: seconds, bytes on the disk (0 for a restore), bytes of memory that Opsbell took."""

    seconds: float
    size: int = 0
    memory: int = 0


@dataclass
class Stage:
    """A Compose project with data, and Opsbell's backups of it."""

    project: ComposeProject
    bench: Bench
    settings: Path
    database_url: str
    directory: Path
    compression: str

    @property
    def dump(self) -> Path:
        """The guide's dump."""
        return self.directory / "backup.sql"

    @property
    def bare(self) -> Path:
        """The directory dump made by hand."""
        return self.directory / "bare"

    def compose(self) -> str:
        """`docker compose` for the project, as a person has it set up."""
        files = self.project.directory
        argv = ["docker", "compose", "--project-name", self.project.project]
        argv += ["--file", str(files / "docker-compose.yml")]
        return join([*argv, "--env-file", str(files / ".env.production")])

    async def shell(self, script: str) -> float:
        """Runs a script; the seconds it took. What was written before is on the disk by then."""
        await self.settled()
        began = time.monotonic()
        await run("bash", "-euo", "pipefail", "-c", script)
        return time.monotonic() - began

    async def settled(self) -> None:
        """Waits until nothing is left to be written by what ran before."""
        await self.project.psql("checkpoint", "postgres")
        await asyncio.to_thread(os.sync)

    @asynccontextmanager
    async def empty(self, name: str) -> AsyncIterator[None]:
        """An empty database."""
        await self.project.psql(f"create database {name}", "postgres")
        try:
            yield
        finally:
            await self.project.psql(f"drop database {name} with (force)", "postgres")


async def guide_backup(stage: Stage) -> Taken:
    """What the guide says."""
    who = f"-U {stage.project.user} {stage.project.database}"
    took = await stage.shell(f"{stage.compose()} exec -T db pg_dump {who} > {stage.dump}")
    return Taken(took, stage.dump.stat().st_size)


async def bare_backup(stage: Stage) -> Taken:
    """A directory dump by two jobs, copied out of the container."""
    container = stage.project.container("db")
    await asyncio.to_thread(shutil.rmtree, stage.bare, ignore_errors=True)
    await stage.project.exec("db", "rm", "-rf", SCRATCH)
    dump = f"pg_dump -U {stage.project.user} -Fd -j2 -Z{stage.compression} -f {SCRATCH}"
    took = await stage.shell(
        f"docker exec {container} {dump} {stage.project.database}\n"
        f"docker cp --quiet {container}:{SCRATCH} {stage.bare}"
    )
    return Taken(took, size_of(stage.bare))


async def opsbell_backup(stage: Stage, part: str = "database") -> Taken:
    """The whole operation, reading back and all, in a process of its own."""
    number = await stage.bench.request(part)
    await stage.settled()
    argv = (sys.executable, "-m", "tests.backups.child", str(stage.settings), stage.database_url)
    async with ChildProcess(*argv, str(number), cwd=ROOT) as child:
        said = await child.wait_for_line(r"memory before (\d+), peak (\d+)", timeout=3600)
    operation = await stage.bench.operations.get(number)
    if operation.state is not OperationState.DONE:
        raise RuntimeError(f"{operation.error} {operation.output}")
    if not operation.started or not operation.finished:
        raise RuntimeError("the operation has no times")
    found = await stage.bench.backups.find(stage.bench.target, "latest")
    if not found.good:
        raise RuntimeError(found.trouble)
    for step in operation.steps:
        if step.started and step.finished:
            seconds = (step.finished - step.started).total_seconds()
            print(f"    {step.planned.title}: {seconds:.1f} s, {step.note}", file=sys.stderr)
    took = (operation.finished - operation.started).total_seconds()
    return Taken(took, found.good.part_size(part), int(said[2]) - int(said[1]))


async def guide_restore(stage: Stage) -> Taken:
    """What the guide says, into an empty database."""
    async with stage.empty("by_guide"):
        who = f"-U {stage.project.user} by_guide"
        quiet = f"{stage.dump} > /dev/null"
        return Taken(await stage.shell(f"{stage.compose()} exec -T db psql {who} < {quiet}"))


async def bare_restore(stage: Stage) -> Taken:
    """The directory dump, copied into the container, by two jobs."""
    container = stage.project.container("db")
    await stage.project.exec("db", "rm", "-rf", SCRATCH)
    async with stage.empty("by_hand"):
        took = await stage.shell(
            f"docker cp --quiet {stage.bare} {container}:{SCRATCH}\n"
            f"docker exec {container} pg_restore -U {stage.project.user} -j2 -d by_hand {SCRATCH}"
        )
    await stage.project.exec("db", "rm", "-rf", SCRATCH)
    return Taken(took)


async def opsbell_restore(stage: Stage) -> Taken:
    """What a restore does before its swap: loaded, analysed, its rows counted and compared."""
    found = await stage.bench.backups.find(stage.bench.target, "latest")
    async with stage.empty("by_opsbell"):
        await stage.settled()
        argv = (sys.executable, "-m", "benchmarks.backup_child", str(stage.settings))
        async with ChildProcess(*argv, str(found.path), "by_opsbell", cwd=ROOT) as child:
            said = await child.wait_for_line(
                r"seconds (\S+), jobs \d+, memory before (\d+), peak (\d+)", timeout=3600
            )
    return Taken(float(said[1]), memory=int(said[3]) - int(said[2]))


async def guide_files(stage: Stage) -> Taken:
    """What the guide says."""
    archive = stage.directory / "media.tar.gz"
    media = f"tar -czf {archive} -C {stage.project.directory} media"
    return Taken(await stage.shell(media), archive.stat().st_size)


async def opsbell_files(stage: Stage) -> Taken:
    """The whole operation."""
    return await opsbell_backup(stage, "media")


Way = tuple[str, str, Callable[[Stage], Awaitable[Taken]]]
DATABASE: tuple[Way, ...] = (
    (BACKUP, GUIDE, guide_backup),
    (BACKUP, OPSBELL, opsbell_backup),
    (BACKUP, BARE, bare_backup),
    (RESTORE, GUIDE, guide_restore),
    (RESTORE, OPSBELL, opsbell_restore),
    (RESTORE, BARE, bare_restore),
)
FILES: tuple[Way, ...] = ((BACKUP, GUIDE, guide_files), (BACKUP, OPSBELL, opsbell_files))


def size_of(directory: Path) -> int:
    """The bytes of all files in a directory."""
    return sum(file.stat().st_size for file in directory.iterdir())
