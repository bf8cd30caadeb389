"""The URL that tells whether the application is well: found by asking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx

from bot.install.discovery import Found
from bot.targets.projects import Port, Service

LIMIT = 5.0
HTTPS_PORTS = (443, 8443)


def candidates(found: Found, *, in_container: bool) -> list[str]:
    """URLs that may be the application's, the likeliest first.

    On the host these are published ports that stay the same at each start; from a container,
    services by their names, which answer where it shares a network with them.
    """
    path = found.web.health_path if found.web else ""
    places = [
        place
        for service in (found.web, found.proxy)
        if service is not None
        for port in service.ports
        # A certificate is for the site's own name, which is not known here.
        if port.inside not in HTTPS_PORTS and (place := _place(service, port, in_container))
    ]
    paths = dict.fromkeys([path or "/", "/"])
    return [f"http://{place}{each}" for each in paths for place in dict.fromkeys(places)]


def _place(service: Service, port: Port, in_container: bool) -> str:
    if in_container:
        return f"{service.name}:{port.inside}"
    if not port.published:
        return ""
    address = port.address or "127.0.0.1"
    return f"[{address}]:{port.published}" if ":" in address else f"{address}:{port.published}"


async def first_healthy(urls: Sequence[str]) -> str:
    """The first of the URLs that answers 2xx within a few seconds; "" where none does."""
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client:
        answers = await asyncio.gather(*(_is_well(client, url) for url in urls))
    return next((url for url, is_well in zip(urls, answers, strict=True) if is_well), "")


async def _is_well(client: httpx.AsyncClient, url: str) -> bool:
    try:
        async with client.stream("GET", url, headers={"User-Agent": "opsbell"}) as response:
            return response.is_success
    except (httpx.HTTPError, OSError):
        return False
