"""Opsbell's own HTTP server: alive, ready, metrics, and Slack over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.config.values import Address
from bot.errors import Unavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Readiness = Callable[[], Awaitable[Mapping[str, bool]]]


@contextlib.asynccontextmanager
async def web_server(
    listen: Address,
    *,
    ready: Readiness,
    metrics: Callable[[], Awaitable[bytes]],
    slack_events: Handler | None,
) -> AsyncIterator[int]:
    """Serves inside the block; the port, which the system chooses where `listen` says 0.

    `ready` names what Opsbell needs and whether it is there, `metrics` gives Prometheus' text.
    `slack_events` takes what Slack
    sends in HTTP mode, None in socket mode. Raises Unavailable where the address is taken.
    """

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(request: web.Request) -> web.Response:
        parts = await ready()
        return web.json_response(dict(parts), status=200 if all(parts.values()) else 503)

    async def show_metrics(request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
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
