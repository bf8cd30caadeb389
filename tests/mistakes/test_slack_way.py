"""A newcomer's mistakes on the way to Slack: addresses, proxies, certificates, clocks."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from bot.playground import LocalSlack
from tests.mistakes.ports import closed_port
from tests.mistakes.slack_scenes import Produce
from tests.mistakes.table import Bench, Mistake, Scene, prove
from tests.parts.network import self_signed


@asynccontextmanager
async def nobody_there(bench: Bench) -> AsyncIterator[Scene]:
    bench.config()
    with closed_port() as port:
        env = bench.env | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}
        yield Scene(bench.directory, env, places={"port": port})


@asynccontextmanager
async def dead_proxy(bench: Bench) -> AsyncIterator[Scene]:
    """The proxy of the environment is not there; Slack itself is never asked."""
    bench.config()
    env = bench.env | {"SLACK_API_URL": "https://slack.example/api/"}
    with closed_port() as port:
        for name in ("HTTPS_PROXY", "https_proxy"):
            env[name] = f"http://127.0.0.1:{port}"
        env |= {"NO_PROXY": "", "no_proxy": ""}
        yield Scene(bench.directory, env, places={"port": port})


@asynccontextmanager
async def sign_in_page(
    content_type: str, trusted: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that answers everything with status 200 and a page; its port."""

    async def sign_in(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Sign in</h1>", content_type=content_type)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", sign_in)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trusted).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def page(content_type: str) -> Produce:
    """A proxy or a captive portal answers in Slack's place."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        async with sign_in_page(content_type) as port:
            bench.config()
            env = bench.env | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}
            yield Scene(bench.directory, env, places={"port": port})

    return produce


@asynccontextmanager
async def untrusted_certificate(bench: Bench) -> AsyncIterator[Scene]:
    """A proxy that opens TLS, with a certificate of its own."""
    async with sign_in_page("text/html", self_signed(bench.directory)) as port:
        bench.config()
        env = bench.env | {"SLACK_API_URL": f"https://localhost:{port}/api/"}
        yield Scene(bench.directory, env, places={"port": port})


HTTP = "slack: {mode: http}"


@asynccontextmanager
async def cut_signing_secret(bench: Bench) -> AsyncIterator[Scene]:
    bench.config(HTTP)
    yield Scene(bench.directory, bench.env | {"SLACK_SIGNING_SECRET": "0123456789abcdef"})


@asynccontextmanager
async def wrong_clock(bench: Bench) -> AsyncIterator[Scene]:
    """Slack's clock stands an hour before this machine's."""
    async with LocalSlack(clock=lambda: time.time() - 3600.5) as slack:
        there = replace(bench, slack=slack)
        there.config(HTTP)
        yield Scene(there.directory, there.env | {"SLACK_SIGNING_SECRET": "0123456789abcdef" * 2})


MISTAKES = [
    Mistake(
        "nobody at SLACK_API_URL",
        nobody_there,
        "Slack: Slack cannot be reached at 127.0.0.1:{port}: Connection refused."
        " Look at this machine's network and SLACK_API_URL.",
    ),
    Mistake(
        "SLACK_API_URL without its path",
        page("text/html"),
        "Slack: What answers at http://127.0.0.1:{port} is not Slack (text/html, status 200)."
        " Look at SLACK_API_URL, and at proxies on the way.",
    ),
    Mistake(
        "plain text in Slack's place",
        page("text/plain"),
        "Slack: What answers at SLACK_API_URL is not Slack (plain text)."
        " Look at SLACK_API_URL, and at proxies on the way.",
    ),
    Mistake(
        "a proxy that is not there",
        dead_proxy,
        "Slack: The proxy 127.0.0.1:{port} cannot be reached: Connection refused."
        " Correct HTTPS_PROXY, or name Slack's host in NO_PROXY.",
    ),
    Mistake(
        "a certificate of a proxy's own",
        untrusted_certificate,
        "Slack: localhost:{port} shows a certificate that is not trusted here."
        " Name your proxy's certificate authority in SSL_CERT_FILE.",
    ),
    Mistake(
        "a signing secret cut short",
        cut_signing_secret,
        "SLACK_SIGNING_SECRET: It has not the 32 hex digits of a signing secret."
        " Copy it again from Basic Information, App Credentials in the app's settings.",
    ),
    Mistake(
        "a clock that is wrong",
        wrong_clock,
        "Clock: This machine's clock is 1 h ahead of Slack's. Slack's requests are refused by"
        " their age. Let NTP set it: timedatectl set-ntp true",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_check(mistake: Mistake[Bench], bench: Bench) -> None:
    await prove(mistake, bench)
