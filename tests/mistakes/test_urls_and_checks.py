"""A newcomer's mistakes about URLs and checks, and the line that answers each."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.mistakes.hosts import HostBench
from tests.mistakes.ports import closed_port
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.network import self_signed


@asynccontextmanager
async def health_refused(bench: HostBench) -> AsyncIterator[Scene]:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/healthz"
        yield bench.scene(target={"health": {"url": url}}, places={"url": url})


@asynccontextmanager
async def answering(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A real web server: /healthz leads to /healthz/, which answers 200, and all else 404."""

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("/healthz/")

    async def well(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.add_routes([web.get("/healthz", moved), web.get("/healthz/", well)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def health_not_found(bench: HostBench) -> AsyncIterator[Scene]:
    async with answering() as url:
        there = f"{url}/health"
        yield bench.scene(target={"health": {"url": there}}, places={"url": there})


@asynccontextmanager
async def health_moved(bench: HostBench) -> AsyncIterator[Scene]:
    async with answering() as url:
        there = f"{url}/healthz"
        yield bench.scene(target={"health": {"url": there}}, places={"url": there})


@asynccontextmanager
async def certificate_unknown(bench: HostBench) -> AsyncIterator[Scene]:
    async with answering(self_signed(bench.directory)) as url:
        there = f"{url}/healthz/"
        yield bench.scene(target={"health": {"url": there}}, places={"url": there})


@asynccontextmanager
async def unknown_table(bench: HostBench) -> AsyncIterator[Scene]:
    check = {"kind": "sql", "target": "shop", "query": "select count(*) from userss"}
    yield bench.scene(target={"database": {"url": bench.database_url}}, checks={"users": check})


@asynccontextmanager
async def no_number(bench: HostBench) -> AsyncIterator[Scene]:
    check = {"kind": "sql", "target": "shop", "query": "select 'many'"}
    yield bench.scene(target={"database": {"url": bench.database_url}}, checks={"users": check})


@asynccontextmanager
async def unknown_disk(bench: HostBench) -> AsyncIterator[Scene]:
    yield bench.scene(checks={"disk": {"kind": "disk", "path": "/mnt/no-such-disk"}})


@asynccontextmanager
async def wrong_pattern(bench: HostBench) -> AsyncIterator[Scene]:
    services = {"web": {"restart": ["true"], "logs": "shop.log"}}
    check = {"kind": "logs", "target": "shop", "service": "web", "pattern": "ERROR("}
    yield bench.scene(target={"services": services}, checks={"errors": check})


MISTAKES = (
    Mistake(
        "a health URL where nobody listens",
        health_refused,
        "Health: {url} does not answer: connection refused. Start what answers there, or correct "
        "targets.shop.health.url.",
    ),
    Mistake(
        "a health URL that is not there",
        health_not_found,
        "Health: {url} answered 404 instead of 200. Correct targets.shop.health.url, or what "
        "answers there.",
    ),
    Mistake(
        "a health URL that leads elsewhere",
        health_moved,
        "Health: {url} answered 301 instead of 200. It leads to {url}/: set "
        "targets.shop.health.url to that.",
    ),
    Mistake(
        "a URL with a certificate of one's own",
        certificate_unknown,
        "Health: {url} does not answer: its certificate is not valid (self-signed certificate). "
        "Set SSL_CERT_FILE to a file with the authorities to trust, this one's among them.",
    ),
    Mistake(
        "a table with a typo",
        unknown_table,
        'users: The query failed: relation "userss" does not exist. Correct checks.users.',
    ),
    Mistake(
        "a query that gives no number",
        no_number,
        "users: The query returned no number: many. Correct checks.users.",
    ),
    Mistake(
        "a disk that is not there",
        unknown_disk,
        "disk: The path /mnt/no-such-disk does not exist. Correct checks.disk.",
    ),
    Mistake(
        "a pattern that is none",
        wrong_pattern,
        'opsbell.yaml:11: checks.errors.pattern: found "ERROR(", expected a regular expression '
        "(missing ), unterminated subpattern at position 5)",
        status=2,
    ),
)


@pytest.mark.needs("root")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(mistake: Mistake[HostBench], host_bench: HostBench) -> None:
    await prove(mistake, host_bench)
