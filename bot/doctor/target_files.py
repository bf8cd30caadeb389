"""What a target has beside its services: files, configuration, maintenance, health."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from bot.config.targets import ComposeTarget, Files, HostTarget
from bot.doctor.files import look_below, read_only, unwritable
from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.doctor.urls import UrlLook
from bot.errors import NotFound
from bot.os_user import me
from bot.targets.inspection import ServiceContainer
from bot.targets.model import Target
from bot.targets.own_container import own_container

_QUICK = timedelta(seconds=5)
_CLOSED = 503


@dataclass(frozen=True)
class FilesLook:
    """One target's files. `running` are the services that run, `containers` all there are."""

    area: str
    target: Target
    settings: ComposeTarget | HostTarget
    running: Collection[str] = ()
    containers: Sequence[ServiceContainer] = ()

    async def directory(self) -> list[Finding]:
        """Whether the target's directory is there and may be read; nothing where all is well."""
        return await asyncio.to_thread(self._directory)

    async def files(self, name: str, files: Files) -> list[Finding]:
        """Whether files to be backed up are there and can be read to the last."""
        subject, key = f"Files {name}", f"{self._key}.files.{name}"
        if files.service:
            return [await self._inside(subject, key, files.service, files.path)]
        path = self.settings.path(files.path)
        try:
            tree = await asyncio.to_thread(look_below, path)
        except FileNotFoundError:
            return [wrong(self.area, subject, f"{path} does not exist.", f"Correct {key}.")]
        except OSError as error:
            says = f"{path} cannot be read: {error.strerror}."
            return [wrong(self.area, subject, says, self._let_in(path))]
        if tree.unreadable:
            says = f"{me()} may not read {tree.unreadable}."
            return [wrong(self.area, subject, says, self._let_in(path))]
        return [well(self.area, subject, f"{path}: {tree.sentence()}.")]

    async def config(self) -> list[Finding]:
        """Whether the configuration files are there and can be read."""
        return await asyncio.to_thread(self._config)

    async def maintenance(self) -> list[Finding]:
        """Whether the maintenance file can be made, and its URL shows it."""
        maintenance = self.settings.maintenance
        if maintenance is None:
            return []
        key = f"{self._key}.maintenance"
        trouble = await self._maintenance_file(maintenance.service, maintenance.file, key)
        if trouble or maintenance.url is None:
            return [trouble] if trouble else [well(self.area, "Maintenance", "It can be switched.")]
        look = UrlLook(
            self.area, "Maintenance", f"{key}.url", maintenance.url, tuple(self.containers)
        )
        wanted = _CLOSED if await self._is_on(maintenance.service, maintenance.file) else 200
        return [await look.finding(lambda status: status == wanted, str(wanted))]

    async def health(self) -> list[Finding]:
        """Whether the health URL answers."""
        health = self.settings.health
        if health is None:
            return []
        key = f"{self._key}.health.url"
        look = UrlLook(self.area, "Health", key, health.url, tuple(self.containers))
        return [await look.finding(lambda status: 200 <= status < 300, "200")]

    async def revision(self) -> list[Finding]:
        """Whether git tells the revision that runs, where the directory is a repository."""
        directory = self.settings.directory
        if not (directory / ".git").exists():
            return []
        argv = ["git", "-C", str(directory), "rev-parse", "--short", "HEAD"]
        try:
            done = await self.target.run(argv, timeout=_QUICK)
        except NotFound:
            says = "git is not installed, so the revision that runs is not known."
            return [beware(self.area, "Revision", says, "Install git.")]
        if "dubious ownership" in done.stderr:
            says = f"git does not trust {directory}: it belongs to another user than {me()}."
            todo = f"Run as {me()}: git config --global --add safe.directory {directory}"
            return [wrong(self.area, "Revision", says, todo)]
        if done.status:
            says = "git knows no revision of it."
            return [beware(self.area, "Revision", says, f"Look at: git -C {directory} status")]
        return [well(self.area, "Revision", f"{done.stdout.strip()}.")]

    def _directory(self) -> list[Finding]:
        path, key = self.settings.directory, f"{self._key}.directory"
        if not path.exists():
            says = f"{path} does not exist."
            if isinstance(self.settings, ComposeTarget) and own_container():
                # How to mount it is told where the container is looked at.
                return [unseen(self.area, "Directory", says)]
            return [wrong(self.area, "Directory", says, f"Correct {key}.")]
        if not path.is_dir():
            says = f"{path} is a file, not a directory."
            return [wrong(self.area, "Directory", says, f"Correct {key}.")]
        if not os.access(path, os.R_OK | os.X_OK):
            says = f"{me()} may not read {path}."
            return [wrong(self.area, "Directory", says, self._let_in(path))]
        return []

    def _config(self) -> list[Finding]:
        for inner in self.settings.config:
            path = self.settings.path(inner)
            if not path.exists():
                says = f"{path} does not exist."
                return [wrong(self.area, "Config", says, f"Correct {self._key}.config.")]
            if not os.access(path, os.R_OK):
                says = f"{me()} may not read {path}."
                return [wrong(self.area, "Config", says, self._let_in(path))]
        return []

    async def _inside(self, subject: str, key: str, service: str, path: PurePosixPath) -> Finding:
        if service not in self.running:
            return unseen(self.area, subject, f"The service {service} does not run.")
        for test, trouble in (("-e", "does not exist"), ("-r", "may not be read by its user")):
            done = await self.target.run(["test", test, str(path)], timeout=_QUICK, service=service)
            if done.status:
                says = f"{path} {trouble} in the service {service}."
                return wrong(self.area, subject, says, f"Correct {key}.")
        try:
            await self.target.run(["tar", "--version"], timeout=_QUICK, service=service)
        except NotFound:
            says = f"The service {service} has no tar, which backing it up takes."
            return wrong(self.area, subject, says, f"Install tar in its image, or correct {key}.")
        return well(self.area, subject, f"{path} in the service {service}.")

    async def _maintenance_file(
        self, service: str | None, file: PurePosixPath, key: str
    ) -> Finding | None:
        if service is None:
            directory = self.settings.path(file).parent
            if says := unwritable(directory):
                exists = directory.is_dir()
                todo = self._let_write(directory) if exists else f"Correct {key}.file."
                return wrong(self.area, "Maintenance", says, todo)
            return None
        if service not in self.running:
            return unseen(self.area, "Maintenance", f"The service {service} does not run.")
        argv = ["test", "-w", str(file.parent)]
        if (await self.target.run(argv, timeout=_QUICK, service=service)).status:
            says = f"No file can be made in {file.parent} in the service {service}."
            return wrong(self.area, "Maintenance", says, f"Correct {key}.file.")
        return None

    async def _is_on(self, service: str | None, file: PurePosixPath) -> bool:
        if service is None:
            return self.settings.path(file).exists()
        done = await self.target.run(["test", "-e", str(file)], timeout=_QUICK, service=service)
        return done.status == 0

    def _let_in(self, path: Path) -> str:
        """What lets this process use a path, in words that fit every way to do it."""
        return f"Run Opsbell as the owner of {path}, or give {me()} the right."

    def _let_write(self, path: Path) -> str:
        """As `_let_in`, where it may be a mount of Opsbell's container that is in the way."""
        if not (read_only(path) and own_container()):
            return self._let_in(path)
        return f"Mount {path} in Opsbell's compose.yaml to be written (docs/install.md says how)."

    @property
    def _key(self) -> str:
        return f"targets.{self.target.name}"
