"""A machine whose resolver says at once that a name is not known, whatever the real one does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from tests.parts.require import need
from tests.parts.users import OPSBELL

_NO_SUCH_NAME = b"\x81\x83"
"""The flags of an answer that the name does not exist (RFC 1035, 4.1.1)."""


class _Refusing(asyncio.DatagramProtocol):
    """Answers each question with itself, and that there is no such name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data[:2] + _NO_SUCH_NAME + data[4:], addr)


def _address() -> str:
    """An address of this machine that no other process of the tests uses."""
    process = os.getpid()  # 22 bits at most, proc(5)
    return f"127.{64 + (process >> 16)}.{process >> 8 & 255}.{process & 255}"


@asynccontextmanager
async def refusing_resolver(directory: Path) -> AsyncIterator[tuple[str, ...]]:
    """Opsbell as a program to which this resolver is the machine's; nobody else sees it."""
    need("root")
    settings = directory / "resolv.conf"
    address = _address()
    settings.write_text(f"nameserver {address}\n")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Refusing, local_addr=(address, 53))
    mounting = f'mount --bind {settings} /etc/resolv.conf && exec "$@"'
    try:
        yield ("unshare", "--mount", "sh", "-c", mounting, "sh", *OPSBELL)
    finally:
        transport.close()
