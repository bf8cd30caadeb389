"""The Docker Engine: the SDK for questions and answers, a connection of our own for streams.

The SDK is blocking. Its calls run in a few threads of their own, each call within the SDK's time
limit, and a cancelled call is waited for: nothing of it goes on behind the caller's back. What
lasts (a process's input and output, a log) does not hold a thread but is read by the event loop
itself (`bot.targets.streams`).
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from docker.api.client import APIClient
from docker.context import ContextAPI
from docker.utils import kwargs_from_env

from bot.targets.engine_errors import ERRORS, translate
from bot.targets.ssh_relay import SshRelay
from bot.targets.streams import Endpoint, Stream, endpoint_of, exec_stream, get_stream, probe
from bot.targets.waiting import to_the_end

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 8
_CALL_LIMIT = 10
"""Seconds within which the Engine answers a question, or does not answer at all."""

_DEFAULT_HOST = "unix:///var/run/docker.sock"


class Engine:
    """One Docker Engine, where DOCKER_HOST or the current context says; connected to at first use.

    Every method raises Unavailable where it does not answer.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._connecting = asyncio.Lock()
        self._api: APIClient | None = None
        self._endpoint: Endpoint | None = None
        self._relay: SshRelay | None = None

    async def close(self) -> None:
        """Closes the connections; calls that still run are waited for, within their limit."""
        if self._api is not None:
            await self._thread(self._api.close)
        if self._relay is not None:
            await self._relay.close()
        await to_the_end(asyncio.to_thread(self._threads.shutdown))

    async def address(self) -> str:
        """Where the Engine is looked for: in one of DOCKER_HOST's forms."""
        try:
            parameters = await self._thread(_from_environment)
        except ERRORS as error:
            raise translate(error) from error
        return str(parameters.get("base_url") or _DEFAULT_HOST)

    async def call(self, method: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Calls a method of the SDK's APIClient, such as ``APIClient.containers``."""
        try:
            api, _ = await self._connected()
            return await self._thread(partial(method, api, *arguments, **named))
        except ERRORS as error:
            raise translate(error) from error

    async def exec_stream(self, exec_id: str, *, stdin: bool) -> Stream:
        """Starts an exec that was created; its input and output. The caller closes it."""
        try:
            api, endpoint = await self._connected()
            return await exec_stream(endpoint, api.api_version, exec_id, stdin=stdin)
        except ERRORS as error:
            raise translate(error) from error

    async def get_stream(self, path: str) -> Stream:
        """The body of an answer to a GET, as it comes. The caller closes it."""
        try:
            api, endpoint = await self._connected()
            return await get_stream(endpoint, api.api_version, path)
        except ERRORS as error:
            raise translate(error) from error

    async def _connected(self) -> tuple[APIClient, Endpoint]:
        async with self._connecting:
            if self._api is None or self._endpoint is None:
                parameters = await self._thread(_from_environment)
                address = str(parameters.get("base_url") or _DEFAULT_HOST)
                if address.startswith("ssh://"):
                    self._relay = self._relay or SshRelay(address)
                    address = parameters["base_url"] = self._relay.address
                endpoint = endpoint_of(address, parameters.get("tls"))
                # The SDK leaves a socket open where nobody listens, so that is found out first.
                await probe(endpoint)
                # Without a version it asks the Engine for its own, and so finds out if it is there.
                self._api = await self._thread(
                    partial(APIClient, timeout=_CALL_LIMIT, **parameters)
                )
                self._endpoint = endpoint
            return self._api, self._endpoint

    async def _thread(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)

        return await to_the_end(call())


def _from_environment() -> dict[str, Any]:
    """Where the Engine is, as the docker program finds it: DOCKER_HOST, else the context."""
    parameters: dict[str, Any] = dict(kwargs_from_env(environment=dict(os.environ)))
    if "base_url" not in parameters:
        for name, value in ContextAPI.kwargs_from_context().items():
            parameters.setdefault(name, value)
    return parameters
