"""HTTP mode on the wire: signatures, formats, the three seconds, retries and their headers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from bot.playground import LocalSlack

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Recorder:
    """An app's request URL that keeps what it gets and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[web.Request, bytes]] = []
        self.answer: Answer = self._ok
        self.arrived = asyncio.Condition()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self.arrived:
            self.requests.append((request, body))
            self.arrived.notify_all()
        return await self.answer(request)

    async def count(self, number: int) -> None:
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= number)

    async def _ok(self, _request: web.Request) -> web.StreamResponse:
        return web.Response()


@pytest.fixture
async def app() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", recorder.handle)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield recorder
    await runner.cleanup()


@contextlib.asynccontextmanager
async def serving(app: Recorder, ack_timeout: float = 3.0) -> AsyncIterator[LocalSlack]:
    timing: dict[str, Any] = {"ack_timeout": ack_timeout, "retry_delays": (0.0, 0.01, 0.01)}
    async with LocalSlack(request_url=app.url, **timing) as slack:
        yield slack


async def test_requests_are_signed(app: Recorder) -> None:
    async with serving(app) as slack:
        await slack.person("alice").command("/backup now", "ops")
        request, body = app.requests[0]
        stamp = request.headers["X-Slack-Request-Timestamp"]
        assert abs(int(stamp) - time.time()) < 60
        base = f"v0:{stamp}:".encode() + body
        expected = hmac.new(slack.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        assert request.headers["X-Slack-Signature"] == f"v0={expected}"


async def test_a_command_is_a_form(app: Recorder) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"text": "On it", "response_type": "in_channel"})

    app.answer = answer
    async with serving(app) as slack:
        outcome = await slack.person("alice").command("/backup now", "ops")
        request, body = app.requests[0]
        assert request.content_type == "application/x-www-form-urlencoded"
        fields = {key: value[0] for key, value in parse_qs(body.decode()).items()}
        assert (fields["command"], fields["text"]) == ("/backup", "now")
        assert fields["is_enterprise_install"] == "false"
        assert outcome.response is not None
        assert slack.messages("ops") == [outcome.response]


async def test_an_event_is_json_and_is_repeated_with_its_number(app: Recorder) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    app.answer = fail
    async with serving(app) as slack:
        await slack.person("alice").say("Hello", "ops")
        await app.count(4)
        await asyncio.sleep(0.1)
        assert len(app.requests) == 4
        numbers = [request.headers.get("X-Slack-Retry-Num") for request, _ in app.requests]
        reasons = [request.headers.get("X-Slack-Retry-Reason") for request, _ in app.requests]
        assert numbers == [None, "1", "2", "3"]
        assert reasons == [None, *["http_error"] * 3]
        ids = {json.loads(body)["event_id"] for _, body in app.requests}
        assert len(ids) == 1


async def test_no_retry_is_honoured(app: Recorder) -> None:
    async def stop(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, headers={"X-Slack-No-Retry": "1"})

    app.answer = stop
    async with serving(app) as slack:
        await slack.person("alice").say("Hello", "ops")
        await app.count(1)
        await asyncio.sleep(0.1)
        assert len(app.requests) == 1


async def test_an_answer_that_takes_too_long(app: Recorder) -> None:
    async def dawdle(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response()

    app.answer = dawdle
    async with serving(app, ack_timeout=0.2) as slack:
        outcome = await slack.person("alice").command("/backup now", "ops")
        assert (outcome.acked, outcome.error) == (False, "operation_timeout")
        await slack.person("alice").say("Hello", "ops")
        await app.count(3)
        assert app.requests[2][0].headers["X-Slack-Retry-Reason"] == "http_timeout"


async def test_too_many_redirects(app: Recorder) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": str(request.url) + "x"})

    app.answer = elsewhere
    async with serving(app) as slack:
        outcome = await slack.person("alice").command("/backup now", "ops")
        assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
        assert slack.deliveries[-1].error == "dispatch_failed"


async def test_nobody_listens() -> None:
    async with LocalSlack(request_url="http://127.0.0.1:1/slack/events") as slack:
        outcome = await slack.person("alice").command("/backup now", "ops")
        assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
        assert await slack.verify_request_url() is False


async def test_handshakes(app: Recorder) -> None:
    async def challenge(request: web.Request) -> web.StreamResponse:
        if request.content_type == "application/json":
            return web.json_response({"challenge": (await request.json())["challenge"]})
        return web.Response()

    app.answer = challenge
    async with serving(app) as slack:
        assert slack.http is not None
        assert await slack.verify_request_url() is True
        assert json.loads(app.requests[0][1])["type"] == "url_verification"
        assert await slack.http.check_ssl() is True
        request, body = app.requests[1]
        assert parse_qs(body.decode())["ssl_check"] == ["1"]
        assert "X-Slack-Signature" not in request.headers


async def test_while_slack_is_away_nothing_is_sent(app: Recorder) -> None:
    async with serving(app) as slack:
        await slack.faults.away()
        outcome = await slack.person("alice").command("/backup now", "ops")
        assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
        assert app.requests == []
        await slack.faults.back()
        assert (await slack.person("alice").command("/backup now", "ops")).acked
