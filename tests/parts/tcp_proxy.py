"""A TCP proxy whose connections a test cuts, holds and refuses, as a bad network would."""

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024
_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpProxy:
    """Listens on a port of 127.0.0.1 and passes bytes on to `host`:`port`.

    A `host` that begins with a slash is the directory of a PostgreSQL socket, as libpq has it. Use
    it as an asynchronous context manager; `port` is known inside. Every verb takes effect at once:

    - `cut`: each open connection is reset; new ones are accepted.
    - `hold`: nothing moves any more, in open connections and in new ones; none is closed.
    - `refuse`: new connections are refused; open ones live on.
    - `resume`: undoes `hold` and `refuse`.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._upstream = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._listener: socket.socket | None = None
        # Has the port also while nobody listens; otherwise whoever connects might be given it.
        self._bound = socket.socket()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        self._bound.bind((self.host, 0))
        self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.port = self._bound.getsockname()[1]
        self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        self.cut()
        for task in (*self._connections,):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._bound.close()

    def cut(self) -> None:
        """Reset every open connection, on both sides."""
        for writers in self._connections.values():
            for writer in writers:
                _reset(writer)

    def hold(self) -> None:
        """Let nothing through until `resume`."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Accept no connection until `resume`."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def resume(self) -> None:
        """Let everything through again, on the same port."""
        self._flowing.set()
        if self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server((self.host, self.port), reuse_port=True)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError):  # the client may be gone already
            client, _ = listener.accept()
            task = asyncio.create_task(self._serve(client))
            self._connections[task] = []
            task.add_done_callback(self._connections.pop)

    async def _serve(self, client: socket.socket) -> None:
        task = asyncio.current_task()
        assert task is not None
        near = await asyncio.open_connection(sock=client)
        self._connections[task].append(near[1])
        try:
            # A side that goes away in the middle is what this proxy is for.
            with suppress(OSError):
                far = await self._connect()
                self._connections[task].append(far[1])
                await asyncio.gather(self._pump(near, far), self._pump(far, near))
        finally:
            for writer in self._connections[task]:
                writer.close()

    async def _connect(self) -> _Stream:
        await self._flowing.wait()
        host, port = self._upstream
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(self, source: _Stream, sink: _Stream) -> None:
        while chunk := await source[0].read(_CHUNK):
            await self._flowing.wait()
            sink[1].write(chunk)
            await sink[1].drain()
        await self._flowing.wait()
        sink[1].write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    if connection.family == socket.AF_INET and connection.fileno() != -1:
        # Closing with no time to linger sends a reset instead of a polite end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
