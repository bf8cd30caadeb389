"""What pip installs on a host target, and the packages of before."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from bot import words
from bot.backups.processes import failure
from bot.deploys.deployment import Deployment, Result
from bot.errors import Failed
from bot.operations.model import StepContext
from bot.runbooks.commands import mark_of, run_command

_FREEZE = timedelta(minutes=2)
_QUIET = ("--no-input", "--disable-pip-version-check")


async def install(deployment: Deployment, context: StepContext) -> Result:
    """Installs the requirements, once what is there before is written down."""
    before = await _frozen(deployment)
    await asyncio.to_thread(_write, _record(deployment), before)
    requirements = str(deployment.choices.requirements)
    argv = _pip(deployment, "install", "--upgrade", "-r", requirements)
    await run_command(deployment.target, context, argv, name="pip install")
    changed = {*(await _frozen(deployment)).splitlines()} - {*before.splitlines()}
    note = f"{words.count(len(changed), 'package')} new or changed" if changed else "no change"
    return {"note": note}


async def packages_of_before(deployment: Deployment, context: StepContext) -> None:
    """Installs what was there before in its versions, and proves it. What came is left: nothing
    of before asks for it."""
    await deployment.target.end_marked(mark_of(context))
    record = _record(deployment)
    if not await asyncio.to_thread(record.exists):
        return  # it was cut off before it changed anything
    wanted = {*(await asyncio.to_thread(record.read_text)).splitlines()}
    if wanted <= {*(await _frozen(deployment)).splitlines()}:
        return
    argv = _pip(deployment, "install", "--no-deps", "-r", str(record))
    await run_command(deployment.target, context, argv, name="pip install")
    if lacking := wanted - {*(await _frozen(deployment)).splitlines()}:
        raise Failed(f"Not installed again: {words.join(sorted(lacking)[:5])}.")


def _pip(deployment: Deployment, *arguments: str) -> tuple[str, ...]:
    return (deployment.choices.manage[0], "-m", "pip", *arguments, *_QUIET)


async def _frozen(deployment: Deployment) -> str:
    argv = _pip(deployment, "freeze", "--all")
    done = await deployment.target.run(argv, timeout=_FREEZE)
    if done.status:
        raise failure(deployment.target, "pip freeze", done.status, done.stderr)
    return done.stdout


def _record(deployment: Deployment) -> Path:
    return deployment.data / f"packages-{deployment.operation.id}.txt"


def _write(path: Path, text: str) -> None:
    """Writes it durably, once: a step that runs again finds the packages of before there."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
