"""Opsbell's own HTTP server: alive, ready, metrics, and Slack over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.config.values import Address
from bot.errors import Unavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Readiness = Callable[[], Awaitable[Mapping[str, bool]]]

READY = "/readyz"
ANSWERS_WITHIN = timedelta(seconds=2)


@contextlib.asynccontextmanager
async def web_server(
    listen: Address,
    *,
    ready: Readiness,
    connection: Callable[[], Mapping[str, object]],
    metrics: Callable[[], Awaitable[bytes]],
    slack_events: Handler | None,
) -> AsyncIterator[int]:
    """Serves inside the block; the port, which the system chooses where `listen` says 0.

    `ready` names what Opsbell needs and whether it is there, `connection` says more of the one to
    Slack, for `connection_at`, and `metrics` gives Prometheus' text. `slack_events` takes what
    Slack sends in HTTP mode, None in socket mode. Raises Unavailable where the address is taken.
    """

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(request: web.Request) -> web.Response:
        parts = await ready()
        status = 200 if all(parts.values()) else 503
        return web.json_response({**parts, "connection": dict(connection())}, status=status)

    async def show_metrics(request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get(READY, readyz)
    app.router.add_get("/metrics", show_metrics)
    if slack_events:
        app.router.add_post("/slack/events", slack_events)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, listen.host, listen.port)
        try:
            await site.start()
        except OSError as error:
            raise Unavailable(
                f"Opsbell cannot listen on {listen}: {error.strerror}.",
                hint="Set http.listen to another address in opsbell.yaml.",
                retryable=False,
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def connection_at(
    session: aiohttp.ClientSession, listen: Address
) -> Mapping[str, Any] | None:
    """What the Opsbell that serves on an address of this machine says of its connection to Slack;
    None where none answers in time, and where the system chose the port."""
    if not listen.port:
        return None
    limit = aiohttp.ClientTimeout(total=ANSWERS_WITHIN.total_seconds())
    try:
        # An address for "everywhere" (0.0.0.0) leads to this machine when it is called.
        async with session.get(f"http://{listen}{READY}", timeout=limit) as answer:
            said = await answer.json()
    except (aiohttp.ClientError, OSError, ValueError):
        return None
    found = said.get("connection") if isinstance(said, dict) else None
    return found if isinstance(found, dict) else None
