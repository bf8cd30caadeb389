"""A Docker Engine on another machine, reached by ssh as the docker program does it.

For each connection the program ssh runs ``docker system dial-stdio`` over there, which joins its
input and output to the Engine's socket. Here the connections come in on a Unix socket in a private
directory, so that the SDK and our own streams both see an ordinary local Engine. Keys, users and
host keys are the ssh program's own business (``~/.ssh/config``, an agent); it never asks.
"""

import asyncio
import logging
import shutil
import socket
import tempfile
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import Unavailable
from bot.targets.text import text_of

log = logging.getLogger(__name__)


class SshRelay:
    """A local socket whose connections end at the Engine of an ``ssh://`` address.

    Must be made in a running event loop. Raises Unavailable where ssh is not installed or the
    address is none.
    """

    def __init__(self, address: str) -> None:
        self._command = ssh_command(address)
        if shutil.which(self._command[0]) is None:
            raise Unavailable(
                "DOCKER_HOST is an ssh:// address, but ssh is not installed.", retryable=False
            )
        self._directory = Path(tempfile.mkdtemp(prefix="opsbell-ssh-"))
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        self._socket.bind(str(self._directory / "docker.sock"))
        self._socket.listen()
        self._tasks = {asyncio.create_task(self._listen())}

    @property
    def address(self) -> str:
        """What to connect to instead of the ``ssh://`` address."""
        return f"unix://{self._directory}/docker.sock"

    async def close(self) -> None:
        """Ends all connections and their ssh processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._socket.close()
        shutil.rmtree(self._directory)

    async def _listen(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._socket)
            task = asyncio.create_task(self._carry(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, connection: socket.socket) -> None:
        """The connection itself becomes the input and output of ssh: nothing is copied here."""
        with connection:
            connection.setblocking(True)
            ssh = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=PIPE,
                start_new_session=True,
            )
        talking = asyncio.create_task(ssh.communicate())
        try:
            await asyncio.shield(talking)
        finally:
            # One that has ended by itself has something to say, also where it is to be ended.
            with suppress(ProcessLookupError):
                ssh.kill()
            _, errors = await talking
            if (ssh.returncode or 0) > 0:
                said = text_of(errors).strip()
                log.warning("ssh to the Docker Engine: %s", said, extra={"action": "docker.ssh"})


def ssh_command(address: str) -> tuple[str, ...]:
    """What carries one connection to the Engine at ``ssh://[user@]machine[:port]``."""
    parts = urlsplit(address)
    if not parts.hostname or parts.path not in ("", "/"):
        raise Unavailable(
            "DOCKER_HOST is not an ssh address that works here.",
            hint="It looks like ssh://user@machine or ssh://machine:22.",
            retryable=False,
        )
    user = ("-l", parts.username) if parts.username else ()
    port = ("-p", str(parts.port)) if parts.port else ()
    never_ask = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=8")
    # "--" comes before the machine, so that no address can be taken for an option.
    return ("ssh", *never_ask, *user, *port, "--", parts.hostname, "docker", "system", "dial-stdio")
