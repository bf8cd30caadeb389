"""Long answers of the Docker Engine, read by the event loop with back-pressure.

The SDK reads a stream in a blocking thread, and takes over the socket of an exec after a buffered
reader that may hold the first bytes already. So the connection for a stream is made here: one HTTP
exchange, whose connection then carries an exec's input and output, or whose body is read to its
last chunk. A body that ends early raises Unavailable, never looks complete.
"""

import asyncio
import json
import os
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from docker.tls import TLSConfig

from bot.errors import Unavailable
from bot.targets.engine_errors import ERRORS, from_status, translate
from bot.targets.text import text_of

_BUFFER = 256 * 1024
_ANSWER_LIMIT = 10.0
"""Seconds within which the Engine begins to answer."""


@dataclass(frozen=True)
class Endpoint:
    """Where the Engine listens: a Unix socket, or a host and port, with TLS or without."""

    path: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None


class _Reader(asyncio.StreamReader):
    """Gives what was received before a reset first, and the reset after it."""

    broken: Exception | None = None

    def set_exception(self, exc: Exception) -> None:
        """Takes note of what ended the connection."""
        self.broken = exc
        self.feed_eof()


class Stream:
    """An open stream of the Engine."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter, *, chunked: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = chunked
        self._left = 0
        self._input: socket.socket | None = None

    async def read(self) -> bytes:
        """The next bytes, at most 1 MiB; none at the end. Raises Unavailable where the connection
        breaks off."""
        try:
            return await (self._read_chunk() if self._chunked else self._read_rest())
        except ERRORS as error:
            raise translate(error) from error

    async def write(self, data: bytes) -> None:
        """Sends input; waits while the other side does not take it. Raises ConnectionError where
        it takes no more."""
        if self._input is None:
            # Beside the transport: it would drop what was not read yet when a write fails, which
            # is how a process ends that leaves its input unread.
            theirs = self._writer.get_extra_info("socket")
            self._input = socket.socket(fileno=os.dup(theirs.fileno()))
            self._input.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(self._input, data)

    async def end_input(self) -> None:
        """Says that no more input comes; the output goes on. Raises OSError where it is closed."""
        self._writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Drops the connection, whatever is still under way."""
        self._writer.transport.abort()
        if self._input:
            self._input.close()

    async def _read_rest(self) -> bytes:
        piece = await self._reader.read(_BUFFER)
        if not piece and self._reader.broken:
            raise self._reader.broken
        return piece

    async def _read_chunk(self) -> bytes:
        if self._left == 0:
            self._left = _chunk_size(await self._reader.readuntil(b"\r\n"))
            if self._left == 0:
                return b""
        piece = await self._reader.read(min(self._left, _BUFFER))
        if not piece:
            raise EOFError("the connection ended within the answer")
        self._left -= len(piece)
        if self._left == 0:
            await self._reader.readexactly(2)
        return piece


def endpoint_of(address: str, tls: TLSConfig | None) -> Endpoint:
    """The endpoint behind a Docker address: ``unix://PATH`` or ``tcp://HOST:PORT``."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme == "unix":
        return Endpoint(path=parts.netloc + parts.path)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
        raise Unavailable(
            f"Docker at {parts.scheme}:// is not supported.",
            hint="DOCKER_HOST may begin with unix://, tcp:// or ssh://.",
            retryable=False,
        )
    secure = tls is not None or parts.scheme == "https"
    context = _tls_context(tls) if secure else None
    return Endpoint(host=parts.hostname, port=parts.port or (2376 if secure else 2375), tls=context)


async def probe(endpoint: Endpoint) -> None:
    """Connects and leaves again. Raises OSError where nobody listens."""
    async with asyncio.timeout(_ANSWER_LIMIT):
        _, writer = await _connect(endpoint)
        writer.transport.abort()


async def exec_stream(endpoint: Endpoint, version: str, exec_id: str, *, stdin: bool) -> Stream:
    """Starts an exec; the stream is its input, and its output in frames."""
    if stdin and endpoint.tls:
        raise Unavailable(
            "A process in a container cannot be given input over TLS, whose connections cannot be "
            "closed in one direction.",
            hint="Reach this Docker Engine by ssh:// instead.",
            retryable=False,
        )
    body = json.dumps({"Detach": False, "Tty": False}).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "Upgrade",
        "Upgrade": "tcp",
    }
    return await _exchange(endpoint, f"POST /v{version}/exec/{exec_id}/start", headers, body)


async def get_stream(endpoint: Endpoint, version: str, path: str) -> Stream:
    """A GET; the stream is the body of the answer."""
    return await _exchange(endpoint, f"GET /v{version}{path}", {"Connection": "close"}, b"")


async def _exchange(
    endpoint: Endpoint, request: str, headers: dict[str, str], body: bytes
) -> Stream:
    async with asyncio.timeout(_ANSWER_LIMIT):
        reader, writer = await _connect(endpoint)
        try:
            lines = [f"{request} HTTP/1.1", "Host: docker"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            stream = await _answered(head, reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
    return stream


async def _answered(head: str, reader: _Reader, writer: asyncio.StreamWriter) -> Stream:
    status, headers = _head(head)
    stream = Stream(reader, writer, chunked=headers.get("transfer-encoding") == "chunked")
    if status not in (101, 200):
        raise from_status(status, await _message(stream, headers))
    return stream


async def _connect(endpoint: Endpoint) -> tuple[_Reader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = _Reader(limit=_BUFFER, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport: asyncio.Transport
    if endpoint.path:
        transport, _ = await loop.create_unix_connection(lambda: protocol, endpoint.path)
    else:
        transport, _ = await loop.create_connection(
            lambda: protocol, endpoint.host, endpoint.port, ssl=endpoint.tls
        )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _head(text: str) -> tuple[int, dict[str, str]]:
    first, *rest = text.strip().split("\r\n")
    match = re.match(r"HTTP/1\.\d (\d{3})", first)
    if match is None:
        raise EOFError("the answer is not HTTP")
    headers = (line.partition(":") for line in rest)
    return int(match[1]), {
        name.strip().lower(): value.strip().lower() for name, _, value in headers
    }


def _chunk_size(line: bytes) -> int:
    """The length in hexadecimal that a chunk begins with (RFC 9112, section 7.1)."""
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise EOFError("the answer is not in chunks") from None


async def _message(stream: Stream, headers: dict[str, str]) -> str:
    """What the Engine says is wrong: JSON with one key, of a few hundred bytes."""
    length = int(headers.get("content-length", "0"))
    data = b""
    while (headers.get("transfer-encoding") or len(data) < length) and len(data) < _BUFFER:
        piece = await stream.read()
        if not piece:
            break
        data += piece
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return text_of(data)


def _tls_context(tls: TLSConfig | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_cert if tls else None)
    if tls and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls and tls.cert:
        context.load_cert_chain(*tls.cert)
    return context
