"""Answers of real servers: good, wrong, slow, silent, and with TLS that does not hold."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.checks.model import Reading, State
from tests.checks.places import checks_of
from tests.parts.compose_project import ComposeProject
from tests.parts.network import self_signed

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read(url: str, **more: Any) -> Reading:
    async with checks_of({"page": {"kind": "http", "url": url, **more}}) as checks:
        return await checks.read("page")


@asynccontextmanager
async def server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server at the URL that is given."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(accept, "localhost", 0, ssl=tls)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://localhost:{port}/"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.Event().wait()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello ")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.3)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_a_real_site(grandvps: ComposeProject) -> None:
    url = grandvps.web_url
    reading = await read(f"{url}/", contains="hello")
    assert reading.state is State.OK
    assert re.fullmatch(rf"{re.escape(url)}/ answered 200 in [\d.]+ s", reading.summary)
    assert reading.value is not None
    assert reading.value > 0
    assert reading.unit == "s"
    reading = await read(f"{url}/fail")
    assert (reading.state, reading.summary) == (
        State.CRITICAL,
        f"{url}/fail answered 500 instead of 200",
    )
    assert (await read(f"{url}/fail", expect=500)).state is State.OK
    reading = await read(f"{url}/", contains="goodbye")
    assert (reading.state, reading.summary) == (
        State.CRITICAL,
        f"{url}/ answered 200, without “goodbye”",
    )


async def test_a_slow_site() -> None:
    async with server(slow) as url:
        reading = await read(url, warn="10s", crit="20s")
        assert reading.state is State.OK


async def test_an_answer_that_does_not_come() -> None:
    async with server(hang) as url:
        reading = await read(url, timeout="1s")
        assert (reading.state, reading.summary) == (State.UNKNOWN, "no answer within 1.0 s")
        # What has taken as long as the limit already is known to be too slow.
        reading = await read(url, timeout="60s", warn="1s", crit="1s")
        assert reading.state is State.CRITICAL
        told = rf"no answer from {re.escape(url)} in [\d.]+ s \(limit 1\.0 s\)"
        assert re.fullmatch(told, reading.summary)


async def test_an_endless_answer_is_read_up_to_a_mebibyte() -> None:
    async with server(endless) as url:
        assert (await read(url, contains="hello")).state is State.OK
        assert (await read(url, contains="goodbye")).state is State.CRITICAL


async def test_a_server_that_is_away_or_hangs_up() -> None:
    async with server(reset) as url:
        reading = await read(url)
        assert reading.state is State.CRITICAL
        assert reading.summary.startswith(f"{url} does not answer: ")
        assert "disconnected" in reading.summary
    reading = await read(url)
    assert (reading.state, reading.summary) == (
        State.CRITICAL,
        f"{url} does not answer: connection refused",
    )
    reading = await read("http://no-such-name.invalid/")
    assert reading.state is State.CRITICAL
    assert reading.summary.startswith("http://no-such-name.invalid/ does not answer: ")
    assert "\n" not in reading.summary


async def test_a_certificate_that_is_not_valid_is_one_line(tmp_path: Path) -> None:
    async with server(slow, self_signed(tmp_path)) as url:
        reading = await read(url)
        assert (reading.state, reading.summary) == (
            State.CRITICAL,
            f"{url} does not answer: its certificate is not valid (self-signed certificate)",
        )
    async with server(plain) as url:
        reading = await read(url.replace("http:", "https:"))
        assert reading.state is State.CRITICAL
        assert "does not answer: no TLS connection (" in reading.summary


async def test_a_secret_in_a_url_is_hidden() -> None:
    async with server(reset) as url:
        reading = await read(f"{url}?token=canary1234")
    assert "canary1234" not in repr(reading)
    assert "token=***" in reading.summary
