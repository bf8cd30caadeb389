"""Which events the app hears of, and in what shape."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import JSON, Clock, RawApp, ack, frame

OPS, ALICE = "C0OPS00001", "U0ALICE001"


async def heard(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[JSON]:
    """The next `count` events, acked, in order of their kind."""
    events = []
    for _ in range(count):
        envelope = await frame(socket)
        await ack(socket, envelope)
        events.append(envelope["payload"]["event"])
    return sorted(events, key=lambda event: (event["type"], event.get("subtype", "")))


async def silence(socket: aiohttp.ClientWebSocketResponse) -> None:
    with pytest.raises(TimeoutError):
        await frame(socket, timeout=0.15)


async def test_the_wrapper(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    await slack.person(ALICE).say("Hello", "ops")
    payload = (await frame(socket))["payload"]
    app = slack.workspace.app
    assert payload["type"] == "event_callback"
    assert (payload["team_id"], payload["api_app_id"]) == (slack.workspace.team_id, app.id)
    assert payload["event_id"].startswith("Ev")
    assert isinstance(payload["event_time"], int)
    assert payload["authorizations"] == [
        {
            "enterprise_id": None,
            "team_id": slack.workspace.team_id,
            "user_id": app.user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ]
    assert {"token", "event_context", "is_ext_shared_channel", "context_team_id"} <= set(payload)


async def test_a_message(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    message = await slack.person(ALICE).say("1 < 2 & #alerts", "ops")
    (event,) = await heard(socket, 1)
    assert event == {
        "type": "message",
        "user": ALICE,
        "text": "1 &lt; 2 &amp; <#C0ALERTS01|>",
        "ts": message.ts,
        "team": slack.workspace.team_id,
        "channel": OPS,
        "channel_type": "channel",
        "event_ts": message.ts,
    }


async def test_a_mention_fires_twice(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    parent = await slack.person(ALICE).say("Hello", "ops")
    await heard(socket, 1)
    await slack.person(ALICE).say("@opsbell status", "ops", thread=parent)
    mention, message = await heard(socket, 2)
    assert (mention["type"], message["type"]) == ("app_mention", "message")
    assert mention["text"] == f"<@{slack.workspace.app.user_id}> status"
    assert (mention["thread_ts"], mention["channel"]) == (parent.ts, OPS)
    await silence(socket)


async def test_a_direct_message(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    alice = slack.person(ALICE)
    await alice.say("@opsbell help", alice.dm)
    (event,) = await heard(socket, 1)
    assert (event["type"], event["channel_type"]) == ("message", "im")
    await silence(socket)


async def test_the_apps_own_messages(
    slack: LocalSlack, raw: RawApp, client: AsyncWebClient
) -> None:
    socket = await raw.connected()
    ts = (await client.chat_postMessage(channel=OPS, text="One"))["ts"]
    (event,) = await heard(socket, 1)
    app = slack.workspace.app
    assert (event["user"], event["bot_id"], event["app_id"]) == (app.user_id, app.bot_id, app.id)
    await client.chat_update(channel=OPS, ts=ts, text="Two")
    (event,) = await heard(socket, 1)
    assert event["subtype"] == "message_changed"
    assert (event["message"]["text"], event["previous_message"]["text"]) == ("Two", "One")
    await client.chat_delete(channel=OPS, ts=ts)
    (event,) = await heard(socket, 1)
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", ts)


async def test_reactions(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    message = await slack.person(ALICE).say("Hello", "ops")
    await slack.person("bob").react(message, "eyes")
    await slack.person("bob").unreact(message, "eyes")
    _, added, removed = await heard(socket, 3)
    assert (added["type"], removed["type"]) == ("reaction_added", "reaction_removed")
    assert added["item"] == {"type": "message", "channel": OPS, "ts": message.ts}
    assert (added["user"], added["item_user"]) == ("U0BOB00001", ALICE)


async def test_joining_and_opening_home(
    slack: LocalSlack, raw: RawApp, client: AsyncWebClient
) -> None:
    socket = await raw.connected()
    channel = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    await slack.person("eve").join("inc-1")
    (joined,) = await heard(socket, 1)
    assert (joined["type"], joined["user"], joined["channel"]) == (
        "member_joined_channel",
        "U0EVE00001",
        channel,
    )
    await slack.person(ALICE).open_home()
    (opened,) = await heard(socket, 1)
    assert (opened["type"], opened["user"], opened["tab"]) == ("app_home_opened", ALICE, "home")
    assert "view" not in opened
    await client.views_publish(user_id=ALICE, view={"type": "home", "blocks": []})
    await slack.person(ALICE).open_home()
    (opened,) = await heard(socket, 1)
    assert opened["view"]["type"] == "home"


async def test_what_the_app_does_not_hear(
    slack: LocalSlack, raw: RawApp, client: AsyncWebClient
) -> None:
    socket = await raw.connected()
    await slack.person(ALICE).say("@opsbell not a member here", "general")
    await client.chat_postEphemeral(channel=OPS, user=ALICE, text="Psst")
    slack.workspace.app.scopes.remove("channels:history")
    await slack.person(ALICE).say("No scope for this", "ops")
    await silence(socket)


async def test_only_subscribed_events_come(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(events={"app_mention"}) as slack:
        raw = RawApp(slack, session)
        socket = await raw.connected()
        await slack.person(ALICE).say("Plain", "ops")
        await slack.person(ALICE).say("@opsbell hi", "ops")
        (event,) = await heard(socket, 1)
        assert event["type"] == "app_mention"
        await silence(socket)
        await raw.close()


async def test_unknown_subscriptions_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown events: mesage"):
        LocalSlack(events={"mesage"})


async def test_30000_events_an_hour(session: aiohttp.ClientSession) -> None:
    clock = Clock()
    async with LocalSlack(clock=clock, rate_limits=False) as slack:
        sent: list[Any] = []
        slack.backend.events._deliver = sent.append
        event = {"type": "app_home_opened"}
        for _ in range(30_000):
            slack.backend.events.publish(None, event)
        assert {each["type"] for each in sent} == {"event_callback"}
        slack.backend.events.publish(None, event)
        slack.backend.events.publish(None, event)
        assert [each["type"] for each in sent[30_000:]] == ["app_rate_limited"]
        assert sent[-1]["minute_rate_limited"] == int(clock.now) // 60 * 60
        clock.advance(3600)
        slack.backend.events.publish(None, event)
        assert sent[-1]["type"] == "event_callback"
        await asyncio.sleep(0)
