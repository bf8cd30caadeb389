"""Opsbell as docs/install.md has it installed: by an ordinary user, from what is committed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.parts.compose_project import CommandFailedError
from tests.parts.network import free_port

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/install.md"
PATH_HEADING = "## The ten-minute path"
USER = 1000
REPOSITORY = "opsbell.git"
SOCKET = Path("/var/run/docker.sock")
CHECKED_AGAIN = 3
_TOO_BUSY = re.compile(
    r"No answer within|did not (answer|end|start) within|did not answer in time|took longer than"
)


def path_commands() -> list[str]:
    """The commands of the ten-minute path: its fenced blocks, in order, as they are typed."""
    return blocks(DOCUMENT, PATH_HEADING)


def blocks(document: Path, heading: str, language: str = "sh") -> list[str]:
    """The fenced blocks of a document's section, in order."""
    _, _, rest = document.read_text().partition(f"\n{heading}\n")
    section, _, _ = rest.partition("\n## ")
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """The commands of a block, a line each, without what is said about them beside."""
    lines = (re.split(r"\s+# ", line)[0].strip() for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


async def until_answered(check: Callable[[], Awaitable[str]]) -> str:
    """What the doctor's `check` says; where the machine was too busy to answer it in time, it is
    typed again, as its reader would. `check` may raise CommandFailedError with what it said."""
    for _ in range(CHECKED_AGAIN):
        try:
            if not _TOO_BUSY.search(said := await check()):
                return said
        except CommandFailedError as error:
            if not _TOO_BUSY.search(str(error)):
                raise
    return await check()


@dataclass
class Installation:
    """A home directory of a user who may use Docker, and the clone of Opsbell in it.

    `project` is the name of Opsbell's own Compose project, whose containers the user's commands
    make. `took` is how long each command of the path lasted, in seconds.
    """

    home: Path
    project: str
    environment: Mapping[str, str]
    took: dict[str, float] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The clone."""
        return self.home / "opsbell"

    @property
    def site(self) -> Path:
        """The part of the clone that Opsbell's container sees."""
        return self.directory / "site"

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}-{service}-1"

    async def type(self, script: str, *, typed: str = "", where: Path | None = None) -> str:
        """Run lines of a shell as the user would, and return all that they print.

        `typed` is what the user types while they run. Raises CommandFailedError at the first line
        that fails.
        """
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=where or self.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=USER,
            group=USER,
            extra_groups=[SOCKET.stat().st_gid],
        )
        output, _ = await process.communicate(typed.encode())
        self.took[script] = time.monotonic() - began
        said = output.decode(errors="replace")
        if process.returncode:
            raise CommandFailedError(f"{script}\nexit status {process.returncode}\n{said}")
        return said

    def composed(self, *files: str, **variables: str) -> Installation:
        """Return the same with these Compose files after the first, and more variables."""
        first, last = self.environment["COMPOSE_FILE"].split(":")
        chosen = {"COMPOSE_FILE": ":".join((first, *files, last))}
        return replace(self, environment={**self.environment, **chosen, **variables})

    async def get(self, project: str) -> None:
        """Type the path's first step alone, for a Compose project."""
        await self._type_blocks(path_commands()[:1], {"grandvps": project}, {})

    async def follow_path(self, values: Mapping[str, str], tokens: Mapping[str, str]) -> str:
        """Type the whole path and return what it printed.

        `values` are what a reader puts in the place of the page's own names, `tokens` what is
        pasted for the file of that name.
        """
        return await self._type_blocks(path_commands(), values, tokens)

    async def _type_blocks(
        self, blocks: list[str], values: Mapping[str, str], tokens: Mapping[str, str]
    ) -> str:
        said = ""
        for block in blocks:
            pasted = next((t for name, t in tokens.items() if f"secrets/{name}" in block), "")
            where = self.home if block.startswith("git clone") else None
            filled = block
            for name, value in {"REPOSITORY": REPOSITORY, **values}.items():
                filled = filled.replace(name, value)
            typed = f"{pasted}\n" if pasted else ""
            type_it = partial(self.type, filled, typed=typed, where=where)
            said += await (until_answered(type_it) if filled.endswith(" check\n") else type_it())
        return said


def new_installation(home: Path, project: str, slack_url: str) -> Installation:
    """An installation yet to be made, in a new directory that the user owns."""
    home.mkdir(mode=0o755)
    plugins = home / ".docker/cli-plugins"
    plugins.mkdir(parents=True)
    # Where Compose is root's own plugin, the user has it too.
    own = Path.home() / ".docker/cli-plugins/docker-compose"
    if own.exists():
        shutil.copy(own, plugins)
    # What the user clones: git takes no repository of another user's.
    repository = ("git", "clone", "--quiet", "--bare", str(ROOT), str(home / REPOSITORY))
    subprocess.run(repository, check=True)
    for path in (home, *home.rglob("*")):
        os.chown(path, USER, USER)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        # What this machine has instead of what a machine with a registry would pull.
        "COMPOSE_FILE": "compose.yaml:tests/image/compose.test.yaml",
        "COMPOSE_PROJECT_NAME": project,
        "OPSBELL_BASE": "opsbell-test/base:trixie",
        "OPSBELL_POSTGRES_IMAGE": "opsbell-test/postgres:17",
        "OPSBELL_PORT": str(free_port()),
        "SLACK_API_URL": slack_url,
    }
    return Installation(home, project, environment)
