"""A newcomer's mistakes around Docker, and the line that answers each."""

from __future__ import annotations

import asyncio
import grp
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mistakes.ports import closed_port
from tests.mistakes.projects import ProjectBench, as_nobody
from tests.mistakes.resolver import refusing_resolver
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.compose_project import run
from tests.parts.require import need
from tests.parts.users import AS_NOBODY

SOCKET = Path("/var/run/docker.sock")
START = "Start the Docker Engine (systemctl start docker), or set DOCKER_HOST to where it is."


@asynccontextmanager
async def no_engine(bench: ProjectBench) -> AsyncIterator[Scene]:
    """Docker is not installed, or its service was never started."""
    there = bench.directory / "docker.sock"
    yield bench.scene(env={"DOCKER_HOST": f"unix://{there}"}, places={"socket": there})


@asynccontextmanager
async def no_engine_for_a_backup(bench: ProjectBench) -> AsyncIterator[Scene]:
    there = bench.directory / "docker.sock"
    yield bench.scene(
        env={"DOCKER_HOST": f"unix://{there}"},
        command=("backup", "now"),
        backups={"grandvps": {"include": ["database"], "store": {"directory": "backups"}}},
    )


@asynccontextmanager
async def dead_engine(bench: ProjectBench) -> AsyncIterator[Scene]:
    """An Engine that was killed leaves its socket behind."""
    there = bench.directory / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(there))
    yield bench.scene(env={"DOCKER_HOST": f"unix://{there}"}, places={"socket": there})


@asynccontextmanager
async def directory_for_a_socket(bench: ProjectBench) -> AsyncIterator[Scene]:
    """Mounted with -v before the Engine ran: Docker makes a directory of that name."""
    there = bench.directory / "docker.sock"
    there.mkdir()
    yield bench.scene(env={"DOCKER_HOST": f"unix://{there}"}, places={"socket": there})


@asynccontextmanager
async def not_in_the_group(bench: ProjectBench) -> AsyncIterator[Scene]:
    with as_nobody(bench) as place:
        (place / "compose.yaml").write_text("services: {db: {image: postgres}}\n")
        group = grp.getgrgid(SOCKET.stat().st_gid).gr_name
        target = bench.target(directory=str(place), compose=bench.compose(env_file=None))
        target["compose"].pop("env_file")
        scene = bench.scene(target, places={"socket": SOCKET, "group": group})
        yield replace(scene, program=AS_NOBODY)


def path_with(directory: Path, **programs: str | None) -> str:
    """A PATH with these programs alone, and what starts the test's own children."""
    place = directory / "bin"
    place.mkdir()
    for name, program in ({"setpriv": shutil.which("setpriv")} | programs).items():
        assert program is not None
        (place / name).symlink_to(program)
    return str(place)


@asynccontextmanager
async def no_docker_program(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(env={"PATH": path_with(bench.directory)})


def without_plugin(directory: Path) -> dict[str, str]:
    """An environment in which docker finds no Compose plugin: it lies in the user's home here."""
    need("own-compose")
    return {"HOME": str(directory), "DOCKER_CONFIG": str(directory / ".docker")}


@asynccontextmanager
async def no_compose_plugin(bench: ProjectBench) -> AsyncIterator[Scene]:
    path = path_with(bench.directory, docker=shutil.which("docker"))
    yield bench.scene(env=without_plugin(bench.directory) | {"PATH": path})


@asynccontextmanager
async def compose_is_no_plugin(bench: ProjectBench) -> AsyncIterator[Scene]:
    """Compose v2 as people download it: one program, put on the PATH."""
    environment = without_plugin(bench.directory)
    plugin = Path.home() / ".docker" / "cli-plugins" / "docker-compose"
    path = path_with(
        bench.directory, **{"docker": shutil.which("docker"), "docker-compose": str(plugin)}
    )
    version = (await run(str(plugin), "version", "--short")).strip()
    places = {"version": version, "program": f"{path}/docker-compose"}
    yield bench.scene(env=environment | {"PATH": path}, places=places)


@asynccontextmanager
async def nobody_at_the_port(bench: ProjectBench) -> AsyncIterator[Scene]:
    with closed_port() as port:
        where = f"127.0.0.1:{port}"
        yield bench.scene(env={"DOCKER_HOST": f"tcp://{where}"}, places={"where": where})


@asynccontextmanager
async def unknown_machine(bench: ProjectBench) -> AsyncIterator[Scene]:
    async with refusing_resolver(bench.directory) as program:
        scene = bench.scene(env={"DOCKER_HOST": "tcp://docker.invalid:2375"})
        yield replace(scene, program=program)


@asynccontextmanager
async def no_ssh_there(bench: ProjectBench) -> AsyncIterator[Scene]:
    need("ssh")
    with closed_port() as port:
        address = f"ssh://127.0.0.1:{port}"
        yield bench.scene(env={"DOCKER_HOST": address}, places={"port": port, "address": address})


@asynccontextmanager
async def unknown_way(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(env={"DOCKER_HOST": "npipe:////./pipe/docker_engine"})


@asynccontextmanager
async def proxy_without_exec(bench: ProjectBench) -> AsyncIterator[Scene]:
    """A socket proxy as it comes: it lets GET through and answers 403 to all else."""
    server = await asyncio.start_server(forward_gets, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        address = f"tcp://127.0.0.1:{port}"
        yield bench.scene(env={"DOCKER_HOST": address}, places={"address": address})


async def forward_gets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries one request to the real Engine if it is a GET."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        writer.close()  # a caller who only looked whether somebody listens
        return
    if not head.startswith(b"GET "):
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    else:
        first, _, rest = head.partition(b"\r\n")
        theirs, upstream = await asyncio.open_unix_connection(SOCKET)
        upstream.write(first + b"\r\nConnection: close\r\n" + rest)
        writer.write(await theirs.read())
        upstream.close()
    await writer.drain()
    writer.close()


MISTAKES = (
    Mistake(
        "no Docker Engine",
        no_engine,
        "Engine: There is no Docker socket at {socket}. " + START,
    ),
    Mistake(
        "no Docker Engine for a backup",
        no_engine_for_a_backup,
        "The Docker Engine does not run. Start the Docker Engine (systemctl start docker) or set "
        "DOCKER_HOST.",
    ),
    Mistake(
        "a Docker Engine that died",
        dead_engine,
        "Engine: Nobody listens at the Docker socket {socket}. " + START,
    ),
    Mistake(
        "a directory in the place of the socket",
        directory_for_a_socket,
        "Engine: {socket} is a directory, not the Docker Engine's socket. Remove it, start Docker, "
        "and start Opsbell again.",
    ),
    Mistake(
        "not in the group docker",
        not_in_the_group,
        "Engine: nobody may not use the Docker socket {socket}, which belongs to the group "
        "{group}. Run: sudo usermod -aG {group} nobody, then log in again.",
    ),
    Mistake(
        "no docker program",
        no_docker_program,
        "Compose: The docker program is not installed, and with it Docker Compose. Install "
        "Docker's command line with its Compose plugin (docker-ce-cli and docker-compose-plugin).",
    ),
    Mistake(
        "no Compose plugin",
        no_compose_plugin,
        "Compose: The docker program has no Compose plugin (docker compose). Install Docker's "
        "package docker-compose-plugin (Debian: docker-compose of trixie).",
    ),
    Mistake(
        "Compose that is no plugin",
        compose_is_no_plugin,
        "Compose: Docker Compose {version} is installed as docker-compose, not as docker's plugin. "
        "Run: mkdir -p ~/.docker/cli-plugins && ln -s {program} "
        "~/.docker/cli-plugins/docker-compose",
    ),
    Mistake(
        "DOCKER_HOST with a wrong port",
        nobody_at_the_port,
        "Engine: Nobody listens at {where}, where DOCKER_HOST points. Look at DOCKER_HOST, and "
        "whether that machine's Docker listens there.",
    ),
    Mistake(
        "DOCKER_HOST with a wrong name",
        unknown_machine,
        "Engine: The machine docker.invalid in DOCKER_HOST is not known. Correct the name in "
        "DOCKER_HOST.",
    ),
    Mistake(
        "DOCKER_HOST by ssh to where none is",
        no_ssh_there,
        "Engine: ssh to {address} failed: ssh: connect to host 127.0.0.1 port {port}: Connection "
        "refused. Try it: ssh 127.0.0.1:{port} docker version",
    ),
    Mistake(
        "DOCKER_HOST of Windows",
        unknown_way,
        "Engine: Docker at npipe:// is not supported. DOCKER_HOST may begin with unix://, tcp:// "
        "or ssh://.",
    ),
    Mistake(
        "a socket proxy that forbids processes",
        proxy_without_exec,
        "Permissions: The Engine at {address} answers, but refuses processes in containers. Let "
        "the socket proxy pass GET /containers, POST /containers/ID/exec and POST /exec/ID/start: "
        "docs/socket-proxy.cfg does.",
    ),
)


@pytest.mark.needs("docker", "compose", "root")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(
    mistake: Mistake[ProjectBench], project_bench: ProjectBench
) -> None:
    await prove(mistake, project_bench)
