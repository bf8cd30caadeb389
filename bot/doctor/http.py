"""The address on which Opsbell's own HTTP server listens."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator

import aiohttp

from bot.config.values import Address
from bot.doctor.model import Finding, well, wrong
from bot.doctor.patient import Patient

AREA = "HTTP"
_ASK_LIMIT = aiohttp.ClientTimeout(total=3)


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the address is free, or taken by the Opsbell that runs."""
    listen = patient.settings.http.listen
    error = await asyncio.to_thread(_bind_error, listen)
    if error is None:
        yield well(AREA, "http.listen", f"{listen} is free.")
    elif error.errno == errno.EADDRINUSE and await is_opsbell(listen):
        yield well(AREA, "http.listen", f"{listen} is where Opsbell answers now.")
    else:
        yield wrong(AREA, "http.listen", *_cause(listen, error))


def _bind_error(listen: Address) -> OSError | None:
    """What keeps a server from listening there; None if nothing."""
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as tried:
                # As the server itself does: a connection that just ended is no hindrance.
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # Bound but not listening, it stands in no other program's way.
                tried.bind(address)
    except OSError as error:
        return error
    return None


def _cause(listen: Address, error: OSError) -> tuple[str, str]:
    """The finding and what to do about it."""
    if isinstance(error, socket.gaierror):
        says = f"Opsbell cannot listen on {listen}: {listen.host} is no name of this machine."
        return says, "Set http.listen to 127.0.0.1:8080, or 0.0.0.0:8080 in a container."
    if error.errno == errno.EADDRINUSE:
        says = f"Opsbell cannot listen on {listen}: another program does."
        return says, "End that program, or set http.listen to another port in opsbell.yaml."
    if error.errno == errno.EACCES:
        says = f"Opsbell cannot listen on {listen}: ports below 1024 take root."
        return says, "Set http.listen to a port from 1024 up in opsbell.yaml."
    if error.errno == errno.EADDRNOTAVAIL:
        says = f"Opsbell cannot listen on {listen}: this machine has no address {listen.host}."
        return says, "Set http.listen to 127.0.0.1:8080, or 0.0.0.0:8080 in a container."
    says = f"Opsbell cannot listen on {listen}: {error.strerror}."
    return says, "Set http.listen to another address in opsbell.yaml."


async def is_opsbell(listen: Address) -> bool:
    """Whether what answers there is an Opsbell."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104
    url = f"http://{Address(host, listen.port)}/healthz"
    try:
        async with aiohttp.ClientSession(timeout=_ASK_LIMIT) as session, session.get(url) as answer:
            return bool(await answer.json() == {"alive": True})
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
