"""HTTP mode: the same edge behind signed requests."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import Edge, edge, note_of, panel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


NO_PAYLOADS = ("payload=5", "payload=[1]", "payload=[]", "payload=[[1,2]]", "payload=null")


@dataclass
class Server:
    """A server whose handler is put in once there is one."""

    url: str = ""
    handler: Handler | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert self.handler is not None
        return await self.handler(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    app = web.Application()
    app.router.add_post("/slack/events", served.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield served
    await runner.cleanup()


@pytest.fixture
async def slack(server: Server) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False, request_url=server.url) as local:
        yield local


@pytest.fixture
async def bot(
    slack: LocalSlack, server: Server, database: Database, queue: Queue
) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue, http=True) as running:
        server.handler = running.gateway.http_handler
        await running.until_ready()
        yield running


async def post(
    server: Server, body: str, secret: str, *, age: float = 0, timestamp: str = ""
) -> tuple[int, str]:
    """Posts a body signed as Slack signs; status and text of the answer."""
    stamp = timestamp or str(int(time.time() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature or ""}
    headers["Content-Type"] = (
        "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def test_commands_clicks_forms_and_mentions_work(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    assert (await alice.command("/backup now", "ops")).acked
    assert await bot.until_deeds(1) == ["now"]
    await bot.client.chat_postMessage(channel="C0OPS00001", **panel().as_json())
    shown = slack.messages("ops")[-1]
    assert (await alice.click(shown, "Go")).acked
    await bot.until_deeds(2)
    await alice.click(shown, "Note")
    result = await alice.submit(await note_of(alice), {"note": "no"})
    assert result.errors == {"note": "Three letters at least."}
    await alice.say("@opsbell backup now again", "ops")
    await bot.until_deeds(3)
    assert bot.gateway.status().mode == "http"


async def test_a_usage_error_is_the_answer_itself(slack: LocalSlack, bot: Edge) -> None:
    outcome = await slack.person("alice").command("/backup nwo", "ops")
    assert outcome.response is not None
    assert outcome.response.contains("Did you mean now?")


async def test_the_word_payload_in_a_command_s_text(slack: LocalSlack, bot: Edge) -> None:
    outcome = await slack.person("alice").command("/backup now bad payload=1 & payload", "ops")
    assert outcome.acked
    assert await bot.until_deeds(1) == ["now bad payload=1 & payload"]


async def test_the_url_is_verified(slack: LocalSlack, bot: Edge) -> None:
    assert await slack.verify_request_url()


@pytest.mark.parametrize(
    ("secret", "age", "timestamp"),
    [("wrong", 0, ""), ("right", 600, ""), ("right", -600, ""), ("right", 0, "soon")],
)
async def test_what_slack_did_not_sign_just_now_is_turned_away(
    slack: LocalSlack, server: Server, bot: Edge, secret: str, age: float, timestamp: str
) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c"})
    key = slack.signing_secret if secret == "right" else "wrong"
    status, text = await post(server, body, key, age=age, timestamp=timestamp)
    assert (status, json.loads(text)) == (401, {"error": "invalid signature"})


async def test_nonsense_is_a_bad_request(slack: LocalSlack, server: Server, bot: Edge) -> None:
    for body in ("{not json", "payload=%7Bnot+json", "{}x", "", *NO_PAYLOADS):
        status, _ = await post(server, body, slack.signing_secret)
        assert status == 400


@pytest.mark.parametrize("body", [b"{not json", b"payload=5", b"\xff\xfe"])
@pytest.mark.parametrize("signature", ["v0=1", "v0=\u00fc", ""])
async def test_what_is_not_signed_is_not_even_read(
    server: Server, bot: Edge, body: bytes, signature: str
) -> None:
    headers = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": signature}
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url, data=body, headers=headers) as answer,
    ):
        assert answer.status == 401


async def test_an_ssl_check_is_answered(server: Server, bot: Edge) -> None:
    status, _ = await post(server, "ssl_check=1&token=x", "unsigned")
    assert status == 200


async def test_before_slack_was_reached_requests_are_put_off(
    slack: LocalSlack, server: Server, database: Database, queue: Queue
) -> None:
    await slack.faults.away()
    async with edge(slack, database, queue, http=True) as bot:
        server.handler = bot.gateway.http_handler
        body = json.dumps({"type": "event_callback", "event": {"type": "app_mention"}})
        status, _ = await post(server, body, slack.signing_secret)
        assert status == 503
        await slack.faults.back()
        await bot.until_ready()
        status, _ = await post(server, body, slack.signing_secret)
        assert status == 200
