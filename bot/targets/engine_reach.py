"""Why the Docker Engine cannot be reached, as exactly as that can be told from here."""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import stat
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from bot.errors import NotFound, Unavailable
from bot.os_user import me
from bot.targets.environment import for_children
from bot.targets.own_container import own_container
from bot.targets.ssh_relay import ssh_command
from bot.targets.streams import Endpoint, endpoint_of, probe
from bot.targets.text import text_of

_LIMIT = 5.0
_START = "Start the Docker Engine (systemctl start docker), or set DOCKER_HOST to where it is."
_MOUNT = "Mount it in Opsbell's compose.yaml: /var/run/docker.sock:/var/run/docker.sock"


async def reach(address: str) -> None:
    """Goes the way to the Engine at an address in one of DOCKER_HOST's forms, and turns round.

    Raises Unavailable with what stands in the way and what to do about it.
    """
    if address.startswith("ssh://"):
        await _by_ssh(address)
        return
    endpoint = endpoint_of(address, None)
    try:
        async with asyncio.timeout(_LIMIT):
            await probe(endpoint)
    except OSError as error:
        raise (
            _socket_trouble(Path(endpoint.path), error)
            if endpoint.path
            else _network_trouble(endpoint, error)
        ) from None


def _socket_trouble(path: Path, error: OSError) -> Unavailable:
    inside = own_container() is not None
    if isinstance(error, PermissionError):
        return _not_allowed(path, inside=inside)
    if path.is_dir():
        # Docker makes a directory where a file that is to be mounted is missing.
        says = f"{path} is a directory, not the Docker Engine's socket."
        return _unavailable(says, "Remove it, start Docker, and start Opsbell again.")
    if isinstance(error, FileNotFoundError):
        return _unavailable(f"There is no Docker socket at {path}.", _where_instead(inside=inside))
    if isinstance(error, ConnectionRefusedError) and stat.S_ISSOCK(path.stat().st_mode):
        return _unavailable(f"Nobody listens at the Docker socket {path}.", _START)
    return _unavailable(f"The Docker Engine at {path} does not answer.", _START)


def _where_instead(*, inside: bool) -> str:
    if inside:
        return f"{_MOUNT}, or set DOCKER_HOST."
    own = Path(os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")) / "docker.sock"
    return f"Set DOCKER_HOST=unix://{own}, where one is." if own.is_socket() else _START


def _not_allowed(path: Path, *, inside: bool) -> Unavailable:
    """Names the group whose members may, and the command that adds this user to it."""
    says = f"{me()} may not use the Docker socket {path}"
    try:
        gid = path.stat().st_gid
    except OSError:
        return _unavailable(f"{says}.", f"Let {me()} into the directory {path.parent}.")
    if inside:
        todo = f'Set group_add: ["{gid}"] in its compose.yaml (DOCKER_GID={gid} in .env).'
        return _unavailable(f"{says}, which belongs to the group {gid}.", todo)
    try:
        group, members = grp.getgrgid(gid).gr_name, grp.getgrgid(gid).gr_mem
    except KeyError:
        group, members = str(gid), []
    says += f", which belongs to the group {group}."
    if me() in members:
        return _unavailable(says, "Log in again: this session began before you were in the group.")
    return _unavailable(says, f"Run: sudo usermod -aG {group} {me()}, then log in again.")


def _network_trouble(endpoint: Endpoint, error: OSError) -> Unavailable:
    where = f"{endpoint.host}:{endpoint.port}"
    look = "Look at DOCKER_HOST, and whether that machine's Docker listens there."
    if isinstance(error, socket.gaierror):
        says = f"The machine {endpoint.host} in DOCKER_HOST is not known."
        return _unavailable(says, "Correct the name in DOCKER_HOST.")
    if isinstance(error, ConnectionRefusedError):
        return _unavailable(f"Nobody listens at {where}, where DOCKER_HOST points.", look)
    if isinstance(error, TimeoutError):
        return _unavailable(f"{where}, where DOCKER_HOST points, does not answer.", look)
    return _unavailable(f"{where}, where DOCKER_HOST points: {error.strerror or error}.", look)


async def _by_ssh(address: str) -> None:
    """Runs what carries a connection, without one; it says itself what it lacks."""
    command = ssh_command(address)
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=for_children(os.environ)
        )
    except FileNotFoundError:
        says = "DOCKER_HOST is an ssh:// address, but ssh is not installed."
        raise NotFound(says, hint="Install the OpenSSH client.") from None
    try:
        async with asyncio.timeout(2 * _LIMIT):
            _, errors = await process.communicate()
    except TimeoutError:
        raise _unavailable(f"{address} does not answer.", _ssh_todo(address)) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = text_of(errors).strip().splitlines()
        cause = (lines[-1] if lines else f"exit status {process.returncode}").rstrip(".")
        raise _unavailable(f"ssh to {address} failed: {cause}.", _ssh_todo(address))


def _ssh_todo(address: str) -> str:
    user = f" as {me()}" if os.getuid() else ""
    return f"Try it{user}: ssh {address.removeprefix('ssh://')} docker version"


def _unavailable(says: str, todo: str) -> Unavailable:
    return Unavailable(says, hint=todo, retryable=False)
