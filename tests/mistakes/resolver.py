"""A machine whose resolver says at once that a name is not known, whatever the real one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from tests.parts.require import need
from tests.parts.users import OPSBELL

_ADDRESS = "127.0.0.77"
_NO_SUCH_NAME = b"\x81\x83"
"""The flags of an answer that the name does not exist (RFC 1035, 4.1.1)."""


class _Refusing(asyncio.DatagramProtocol):
    """Answers each question with itself, and that there is no such name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data[:2] + _NO_SUCH_NAME + data[4:], addr)


@asynccontextmanager
async def refusing_resolver(directory: Path) -> AsyncIterator[tuple[str, ...]]:
    """Opsbell as a program to which this resolver is the machine's; nobody else sees it."""
    need("root")
    settings = directory / "resolv.conf"
    settings.write_text(f"nameserver {_ADDRESS}\n")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Refusing, local_addr=(_ADDRESS, 53))
    mounting = f'mount --bind {settings} /etc/resolv.conf && exec "$@"'
    try:
        yield ("unshare", "--mount", "sh", "-c", mounting, "sh", *OPSBELL)
    finally:
        transport.close()
