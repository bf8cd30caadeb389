"""Socket Mode frame by frame: greetings, envelopes, acks, retries, goodbyes."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import WSMsgType

from bot.playground import LocalSlack
from bot.playground.workspace import App
from tests.playground.helpers import RawApp, ack, frame


async def test_the_greeting(slack: LocalSlack, raw: RawApp) -> None:
    first = await frame(await raw.connect())
    assert first["type"] == "hello"
    assert first["connection_info"] == {"app_id": slack.workspace.app.id}
    assert first["num_connections"] == 1
    assert first["debug_info"]["approximate_connection_time"] == 3600
    assert (await frame(await raw.connect()))["num_connections"] == 2


async def test_a_command_and_its_ack(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    typing = asyncio.create_task(slack.person("alice").command("/backup now", "ops"))
    envelope = await frame(socket)
    assert envelope["type"] == "slash_commands"
    assert envelope["accepts_response_payload"] is True
    assert "retry_attempt" not in envelope
    await ack(socket, envelope, {"text": "On it"})
    outcome = await typing
    assert outcome.acked
    assert outcome.response is not None
    assert outcome.response.text == "On it"
    assert slack.person("alice").ephemerals("ops") == [outcome.response]


async def test_an_ack_may_come_over_another_connection(slack: LocalSlack, raw: RawApp) -> None:
    sockets = [await raw.connected(), await raw.connected()]
    typing = asyncio.create_task(slack.person("alice").command("/backup now", "ops"))
    reads = {asyncio.create_task(frame(socket)): socket for socket in sockets}
    done, waiting = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
    (got,), (other,) = done, waiting
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    await ack(reads[other], got.result())
    assert (await typing).acked


async def test_payloads_go_over_any_connection(slack: LocalSlack, raw: RawApp) -> None:
    sockets = [await raw.connected() for _ in range(3)]
    used = set()

    async def answer(socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            envelope = await frame(socket, timeout=60)
            used.add(socket)
            await ack(socket, envelope)

    readers = [asyncio.create_task(answer(socket)) for socket in sockets]
    for _ in range(60):
        assert (await slack.person("alice").command("/backup now", "ops")).acked
    assert len(used) == 3
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_an_unacked_event_is_repeated_under_the_same_id(
    session: aiohttp.ClientSession,
) -> None:
    async with LocalSlack(ack_timeout=0.05, retry_delays=(0.0, 0.01, 0.02)) as slack:
        raw = RawApp(slack, session)
        socket = await raw.connected()
        await slack.person("alice").say("Hello", "ops")
        envelopes = [await frame(socket) for _ in range(4)]
        assert [each["retry_attempt"] for each in envelopes] == [0, 1, 2, 3]
        assert [each["retry_reason"] for each in envelopes] == ["", *["timeout"] * 3]
        assert {each["accepts_response_payload"] for each in envelopes} == {False}
        assert len({each["payload"]["event_id"] for each in envelopes}) == 1
        assert len({each["envelope_id"] for each in envelopes}) == 4
        with pytest.raises(TimeoutError):
            await frame(socket, timeout=0.2)
        await raw.close()


async def test_an_acked_event_is_not_repeated(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(ack_timeout=0.5, retry_delays=(0.0, 0.01, 0.02)) as slack:
        raw = RawApp(slack, session)
        socket = await raw.connected()
        await slack.person("alice").say("Hello", "ops")
        await frame(socket)
        again = await frame(socket)
        assert again["retry_attempt"] == 1
        await ack(socket, again)
        with pytest.raises(TimeoutError):
            await frame(socket, timeout=0.2)
        await raw.close()


async def test_an_unacked_command_is_not_repeated(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(ack_timeout=0.05) as slack:
        raw = RawApp(slack, session)
        socket = await raw.connected()
        outcome = await slack.person("alice").command("/backup now", "ops")
        assert (outcome.acked, outcome.error) == (False, "operation_timeout")
        await frame(socket)
        with pytest.raises(TimeoutError):
            await frame(socket, timeout=0.2)
        await raw.close()


async def test_without_a_connection_a_command_fails_at_once(slack: LocalSlack) -> None:
    outcome = await slack.person("alice").command("/backup now", "ops")
    assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
    assert outcome.seconds < 1


async def test_an_event_waits_for_a_connection(slack: LocalSlack, raw: RawApp) -> None:
    await slack.person("alice").say("Hello", "ops")
    envelope = await frame(await raw.connected())
    assert envelope["payload"]["event"]["text"] == "Hello"


@pytest.mark.parametrize(("size", "survives"), [(20_479, True), (20_480, False)])
async def test_a_frame_of_20480_bytes_ends_the_connection(
    slack: LocalSlack, raw: RawApp, size: int, survives: bool
) -> None:
    socket = await raw.connected()
    typing = asyncio.create_task(slack.person("alice").command("/backup now", "ops"))
    envelope = await frame(socket)
    shell = len('{"envelope_id": "", "payload": {"text": ""}}') + len(envelope["envelope_id"])
    await ack(socket, envelope, {"text": "x" * (size - shell)})
    if survives:
        assert (await typing).acked
        return
    closing = await socket.receive()
    assert (closing.type, closing.data) == (WSMsgType.CLOSE, 1009)
    typing.cancel()
    await asyncio.gather(typing, return_exceptions=True)


async def test_pings_are_answered_with_their_own_body(raw: RawApp) -> None:
    socket = await raw.connected()
    await socket.ping(b"sdk-ping-pong:1700000000.5")
    pong = await socket.receive(timeout=5)
    assert (pong.type, bytes(pong.data)) == (WSMsgType.PONG, b"sdk-ping-pong:1700000000.5")


async def test_an_eleventh_connection_is_turned_away(slack: LocalSlack, raw: RawApp) -> None:
    for _ in range(10):
        await raw.connected()
    goodbye = await frame(await raw.connect())
    assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "too_many_websockets")
    assert len(slack.sockets.connections) == 10


async def test_goodbyes(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    await slack.sockets.disconnect("warning")
    assert (await frame(socket))["reason"] == "warning"
    await socket.ping(b"still here")
    assert (await socket.receive(timeout=5)).type == WSMsgType.PONG
    await slack.sockets.disconnect("refresh_requested")
    assert (await frame(socket))["reason"] == "refresh_requested"
    assert (await socket.receive(timeout=5)).type == WSMsgType.CLOSE


async def test_an_old_ticket_still_opens_a_connection(slack: LocalSlack, raw: RawApp) -> None:
    url = await raw.ticket()
    await slack.faults.away()
    await slack.faults.back()
    assert (await frame(await raw.connect(url)))["type"] == "hello"


async def test_waiting_for_connections(slack: LocalSlack, raw: RawApp) -> None:
    with pytest.raises(TimeoutError):
        await slack.wait_connected(timeout=0.05)
    waiting = asyncio.create_task(slack.wait_connected(2))
    await raw.connected()
    await raw.connected()
    await waiting


async def test_frames_that_mean_nothing_are_ignored(slack: LocalSlack, raw: RawApp) -> None:
    socket = await raw.connected()
    for text in ("{", "[]", "5", '{"envelope_id": "unknown"}'):
        await socket.send_str(text)
    typing = asyncio.create_task(slack.person("alice").command("/backup now", "ops"))
    envelope = await frame(socket)
    await ack(socket, envelope)
    await ack(socket, envelope)
    assert (await typing).acked


async def test_an_event_that_nobody_could_take_is_tried_again(
    session: aiohttp.ClientSession,
) -> None:
    async with LocalSlack(ack_timeout=0.05, retry_delays=(0.0, 1.0)) as slack:
        await slack.person("alice").say("Hello", "ops")
        while len(slack.deliveries) < 2:
            await asyncio.sleep(0.01)
        raw = RawApp(slack, session)
        envelope = await frame(await raw.connected())
        assert envelope["retry_attempt"] == 2
        await raw.close()


async def test_with_socket_mode_off_a_connection_is_sent_away(
    slack: LocalSlack, raw: RawApp
) -> None:
    slack.workspace.app.socket_mode = False
    socket = await raw.connect()
    goodbye = await frame(socket)
    assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "link_disabled")
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_another_app_gets_nothing_of_this_ones(
    slack: LocalSlack, session: aiohttp.ClientSession, raw: RawApp
) -> None:
    other = App(id="A0OTHER001", app_token="xapp-other")
    slack.workspace.other_apps.append(other)
    headers = {"Authorization": f"Bearer {other.app_token}"}
    url = f"{slack.api_url}apps.connections.open"
    async with session.post(url, headers=headers) as response:
        ticket = (await response.json())["url"]
    stranger = await raw.connect(ticket)
    hello = await frame(stranger)
    assert hello["connection_info"] == {"app_id": "A0OTHER001"}
    assert hello["num_connections"] == 1
    outcome = await slack.person("alice").command("/backup", "ops")
    assert (outcome.acked, outcome.error) == (False, "dispatch_failed")
    with pytest.raises(TimeoutError):
        await slack.wait_connected(timeout=0.01)
    own = await raw.connected()
    running = asyncio.create_task(slack.person("alice").command("/backup", "ops"))
    await ack(own, await frame(own))
    assert (await running).acked
