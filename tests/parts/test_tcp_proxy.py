"""The proxy passes bytes on, and cuts, holds and refuses as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import psycopg
import pytest

from tests.parts.postgres import PostgresServer
from tests.parts.tcp_proxy import TcpProxy

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
T = TypeVar("T")


@pytest.fixture
async def echo() -> AsyncIterator[TcpProxy]:
    """A proxy in front of a server that sends back what it gets, until the end of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, TcpProxy(*server.sockets[0].getsockname()) as proxy:
        yield proxy


async def connect(proxy: TcpProxy) -> Stream:
    return await asyncio.open_connection(proxy.host, proxy.port)


async def say(stream: Stream, word: bytes) -> bytes:
    stream[1].write(word)
    return await soon(stream[0].readexactly(len(word)))


async def soon(result: Awaitable[T]) -> T:
    return await asyncio.wait_for(result, 10)


async def test_bytes_and_the_end_of_them_pass(echo: TcpProxy) -> None:
    reader, writer = await connect(echo)
    sent = bytes(range(256)) * 8192
    writer.write(sent)
    writer.write_eof()
    assert await soon(reader.read(-1)) == sent
    writer.close()


async def test_cut_resets_open_connections_only(echo: TcpProxy) -> None:
    first = await connect(echo)
    assert await say(first, b"one") == b"one"
    assert echo.connections == 1
    echo.cut()
    with pytest.raises(ConnectionResetError):
        await soon(first[0].read())
    first[1].close()
    second = await connect(echo)
    assert await say(second, b"two") == b"two"
    second[1].close()


async def test_hold_stops_the_flow_until_resume(echo: TcpProxy) -> None:
    stream = await connect(echo)
    assert await say(stream, b"before") == b"before"
    echo.hold()
    stream[1].write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream[0].read(1), 0.2)
    echo.resume()
    assert await soon(stream[0].readexactly(4)) == b"held"
    stream[1].close()


async def test_refuse_turns_away_the_new_and_keeps_the_open(echo: TcpProxy) -> None:
    stream = await connect(echo)
    assert await say(stream, b"in") == b"in"
    echo.refuse()
    with pytest.raises(ConnectionRefusedError):
        await connect(echo)
    assert await say(stream, b"still") == b"still"
    echo.resume()
    again = await connect(echo)
    assert await say(again, b"back") == b"back"
    for _, writer in (stream, again):
        writer.close()


async def test_a_postgres_connection_through_its_socket_is_cut(postgres: PostgresServer) -> None:
    async with TcpProxy(str(postgres.socket_directory), 5432) as proxy:
        url = f"postgresql://postgres@{proxy.host}:{proxy.port}/postgres"
        async with await psycopg.AsyncConnection.connect(url) as connection:
            assert await (await connection.execute("select 1")).fetchone() == (1,)
            sleeping = asyncio.create_task(connection.execute("select pg_sleep(60)"))
            await asyncio.sleep(0)
            proxy.cut()
            with pytest.raises(psycopg.OperationalError):
                await soon(sleeping)
