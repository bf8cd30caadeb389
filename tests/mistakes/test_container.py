"""A newcomer's mistakes with Opsbell in a container, and the line that answers each.

This very program runs in a real container: the interpreter and its libraries are mounted into it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.playground import LocalSlack
from tests.mistakes.projects import ProjectBench
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.compose_project import ComposeProject, run
from tests.parts.house import slack_environment
from tests.parts.users import NOBODY

SOCKET = Path("/var/run/docker.sock")
REPOSITORY = Path(__file__).parents[2]
HOME = "/opt/home"


def mounts(*paths: Path | str) -> list[str]:
    """Each path at its own place; a pair PATH:PLACE at that place."""
    return [
        part
        for each in paths
        for part in ("--volume", str(each) if ":" in str(each) else f"{each}:{each}")
    ]


def in_a_container(scene: Scene, project: str, *arguments: str) -> Scene:
    """The scene in a container that has the scene's directory, and what `arguments` give it."""
    parts = [f"{each}:{each}:ro" for each in (sys.base_prefix, sys.prefix, REPOSITORY, "/usr")]
    # Where the interpreter lies in root's home, others than root have to get there.
    home = scene.directory / "root"
    home.mkdir(mode=0o755)
    plugins = Path.home() / ".docker" / "cli-plugins"
    if plugins.exists():
        parts.append(f"{plugins}:{HOME}/.docker/cli-plugins:ro")
    environment = [part for name in scene.env for part in ("--env", name)]
    program = (
        *("docker", "run", "--rm", "--name", f"{project}-opsbell", "--env", f"HOME={HOME}"),
        *mounts(f"{home}:/root", *dict.fromkeys(parts), scene.directory),
        *("--workdir", str(scene.directory), *environment, *arguments),
        *("--entrypoint", sys.executable, "opsbell-test/web:1", "-m", "bot"),
    )
    return replace(scene, program=program)


class ContainerBench(ProjectBench):
    """A bench whose scenes keep their database beside them."""

    def config(self, *parts: str, database_url: str = "embedded") -> Path:
        """Writes a sound opsbell.yaml with these YAML parts added."""
        return super().config(*parts, database_url=database_url)

    def boxed(self, *arguments: str, **parts: Any) -> Scene:
        """Opsbell in a container that shares the host's network."""
        scene = self.scene(**parts)
        return in_a_container(scene, self.project.project, "--network=host", *arguments)


@pytest.fixture
async def bench(
    tmp_path: Path, database_url: str, grandvps: ComposeProject
) -> AsyncIterator[ContainerBench]:
    async with LocalSlack() as slack:
        try:
            yield ContainerBench(tmp_path, database_url, slack, grandvps)
        finally:
            await run("docker", "rm", "--force", f"{grandvps.project}-opsbell")


@asynccontextmanager
async def socket_not_mounted(bench: ContainerBench) -> AsyncIterator[Scene]:
    yield bench.boxed(*mounts(bench.project.directory), places={"socket": SOCKET})


@asynccontextmanager
async def group_not_given(bench: ContainerBench) -> AsyncIterator[Scene]:
    """An image that runs as a user of its own, as Opsbell's does."""
    home = bench.directory.parent
    os.chown(bench.directory, NOBODY, NOBODY)
    (bench.directory / "compose.yaml").write_text("services: {db: {image: postgres}}\n")
    target = bench.target(directory=str(bench.directory), compose={"project": "shop"})
    scene = bench.boxed(
        *mounts(SOCKET),
        f"--user={NOBODY}:{NOBODY}",
        target=target,
        places={"socket": SOCKET, "gid": SOCKET.stat().st_gid, "home": home},
    )
    # The configuration is the user's own.
    os.chown(bench.directory / "opsbell.yaml", NOBODY, NOBODY)
    yield scene


@asynccontextmanager
async def project_not_mounted(bench: ContainerBench) -> AsyncIterator[Scene]:
    yield bench.boxed(*mounts(SOCKET))


@asynccontextmanager
async def project_elsewhere(bench: ContainerBench) -> AsyncIterator[Scene]:
    yield bench.boxed(
        *mounts(SOCKET, f"{bench.project.directory}:/srv/app"),
        target=bench.target(directory="/srv/app"),
    )


@asynccontextmanager
async def project_copied(bench: ContainerBench) -> AsyncIterator[Scene]:
    """The project's files in a volume: they look right, and are not those of the host."""
    volume = f"{bench.project.project}_copy"
    place = bench.project.directory
    copying = (
        "docker",
        "run",
        "--rm",
        "--volume",
        f"{place}:/from:ro",
        "--volume",
        f"{volume}:/to",
    )
    await run(*copying, "opsbell-test/web:1", "cp", "-a", "/from/.", "/to")
    try:
        yield bench.boxed(*mounts(SOCKET, f"{volume}:{place}"))
    finally:
        await run("docker", "rm", "--force", f"{bench.project.project}-opsbell")
        await run("docker", "volume", "rm", "--force", volume)


@asynccontextmanager
async def project_to_read_alone(bench: ContainerBench) -> AsyncIterator[Scene]:
    place = bench.project.directory
    target = bench.target(maintenance={"file": "maintenance_mode.txt"})
    yield bench.boxed(*mounts(SOCKET, f"{place}:{place}:ro"), target=target)


@asynccontextmanager
async def data_in_the_container(bench: ContainerBench) -> AsyncIterator[Scene]:
    yield bench.boxed(*mounts(SOCKET, bench.project.directory), data="/var/lib/opsbell")


@asynccontextmanager
async def backups_in_the_container(bench: ContainerBench) -> AsyncIterator[Scene]:
    policy = {"include": ["database"], "store": {"directory": "/var/backups"}}
    yield bench.boxed(*mounts(SOCKET, bench.project.directory), backups={"grandvps": policy})


@asynccontextmanager
async def health_of_itself(bench: ContainerBench) -> AsyncIterator[Scene]:
    """The URL at which the application answers on the host, asked from a container."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    host = (await run("docker", "network", "inspect", "bridge", "--format", gateway)).strip()
    url = f"{bench.project.web_url}/healthz"
    async with LocalSlack(host=host) as slack:
        scene = bench.scene(bench.target(health={"url": url}), places={"url": url})
        scene = replace(scene, env=slack_environment(slack))
        arguments = mounts(SOCKET, bench.project.directory)
        yield in_a_container(scene, bench.project.project, *arguments)


MISTAKES = (
    Mistake(
        "a socket that is not mounted",
        socket_not_mounted,
        "Engine: There is no Docker socket at {socket}. Mount it in Opsbell's compose.yaml: "
        "/var/run/docker.sock:/var/run/docker.sock, or set DOCKER_HOST.",
    ),
    Mistake(
        "a socket whose group the container has not",
        group_not_given,
        "Engine: nobody may not use the Docker socket {socket}, which belongs to the group {gid}. "
        'Set group_add: ["{gid}"] in its compose.yaml (DOCKER_GID={gid} in .env).',
    ),
    Mistake(
        "a project that is not mounted",
        project_not_mounted,
        "Path of grandvps: {directory} is not mounted from the host. Mount the project in "
        "Opsbell's compose.yaml at its own path: {directory}:{directory}.",
    ),
    Mistake(
        "a project that is mounted elsewhere",
        project_elsewhere,
        "Path of grandvps: /srv/app is {directory} on the host. Mount the project in Opsbell's "
        "compose.yaml at its own path: {directory}:{directory} and set targets.grandvps.directory "
        "to it.",
    ),
    Mistake(
        "a copy of the project",
        project_copied,
        "Path of grandvps: {directory} is not mounted from the host. Mount the project in "
        "Opsbell's compose.yaml at its own path: {directory}:{directory}.",
    ),
    Mistake(
        "a maintenance file in a project that is mounted to be read",
        project_to_read_alone,
        "Maintenance: {directory} is on a file system that is mounted read-only. Mount {directory} "
        "in Opsbell's compose.yaml to be written (docs/install.md says how).",
    ),
    Mistake(
        "data inside the container",
        data_in_the_container,
        "data: /var/lib/opsbell is inside the container and is lost with it. Mount a directory of "
        "the host there, or set data to one that is mounted.",
    ),
    Mistake(
        "backups inside the container",
        backups_in_the_container,
        "backups.grandvps.store.directory: /var/backups is inside the container and is lost with "
        "it. Mount a directory of the host there, or set backups.grandvps.store.directory to one "
        "that is mounted.",
    ),
    Mistake(
        "a health URL that is Opsbell itself",
        health_of_itself,
        "Health: {url} does not answer: connection refused. In its container, 127.0.0.1 is Opsbell "
        "itself. Set targets.grandvps.health.url to http://web:8000/healthz and join the network "
        "{project}_default.",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(
    mistake: Mistake[ContainerBench], bench: ContainerBench
) -> None:
    await prove(mistake, bench)
