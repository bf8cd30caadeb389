"""An unmodified Bolt app works against the local Slack, over Socket Mode and over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, Message
from tests.playground.helpers import JSON, actions, button, modal, option, section, text_input

FORM = modal(text_input("reason", "Reason"), callback_id="form")


def menu() -> list[JSON]:
    boxes = {"type": "checkboxes", "action_id": "box", "options": [option("Logs", "logs")]}
    return [
        section("Shown", block_id="row", accessory=boxes),
        actions(button("Details", action_id="details"), block_id="buttons"),
    ]


def build(slack: LocalSlack) -> AsyncApp:
    """An app that uses every kind of listener."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=slack.signing_secret)

    @app.command("/menu")
    async def command(ack: Any, client: Any, body: Any, respond: Any) -> None:
        await ack(f"Taken: {body['text']}")
        await client.chat_postMessage(channel=body["channel_id"], text="Menu", blocks=menu())
        await respond("Later")

    @app.action("details")
    async def details(ack: Any, client: Any, body: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.action("box")
    async def box(ack: Any, body: Any, respond: Any) -> None:
        await ack()
        ticked = [each["value"] for each in body["actions"][0]["selected_options"]]
        await respond(f"Ticked: {ticked}", replace_original=True)

    @app.view("form")
    async def form(ack: Any, view: Any, client: Any) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if reason == "none":
            await ack(response_action="errors", errors={"reason": "Say more"})
            return
        await ack()
        await client.chat_postMessage(channel="C0OPS00001", text=f"Because {reason}")

    @app.event("app_mention")
    async def mention(event: Any, say: Any) -> None:
        await say(f"Heard: {event['text']}", thread_ts=event.get("thread_ts", event["ts"]))

    @app.event("app_home_opened")
    async def home(event: Any, client: Any) -> None:
        view = {"type": "home", "blocks": [section("Welcome")]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.options("search")
    async def search(ack: Any, payload: Any) -> None:
        await ack(options=[option(payload["value"].upper(), "found")])

    @app.event("message")
    async def message() -> None:
        """Acked by Bolt itself."""

    return app


@contextlib.asynccontextmanager
async def over_sockets() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(commands={"/menu"}) as slack:
        handler: Any = AsyncSocketModeHandler(build(slack), slack.app_token)
        await handler.connect_async()
        await slack.wait_connected()
        try:
            yield slack
        finally:
            await handler.close_async()


@contextlib.asynccontextmanager
async def over_http() -> AsyncIterator[LocalSlack]:
    served: dict[str, AsyncApp] = {}

    async def events(request: web.Request) -> web.Response:
        bolt = await served["app"].async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(bolt)

    app = web.Application()
    app.router.add_post("/slack/events", events)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        async with LocalSlack(commands={"/menu"}, request_url=url) as slack:
            served["app"] = build(slack)
            assert await slack.verify_request_url()
            yield slack
    finally:
        await runner.cleanup()


@pytest.fixture(params=[over_sockets, over_http], ids=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[LocalSlack]:
    async with request.param() as server:
        yield server


async def shown_menu(slack: LocalSlack) -> Message:
    outcome = await slack.person("alice").command("/menu now", "ops")
    assert outcome.acked
    return await slack.wait_for_message("ops", "Shown")


async def test_commands_and_respond(slack: LocalSlack) -> None:
    alice = slack.person("alice")
    outcome = await alice.command("/menu now", "ops")
    assert outcome.response is not None
    assert outcome.response.text == "Taken: now"
    await alice.wait_for_ephemeral("ops", "Later")


async def test_a_click_a_modal_and_its_field_errors(slack: LocalSlack) -> None:
    alice, menu_message = slack.person("alice"), await shown_menu(slack)
    assert (await alice.click(menu_message, "Details")).acked
    view = await alice.wait_for_view()
    assert view.title == "Form"
    refused = await alice.submit(view, {"Reason": "none"})
    assert (refused.errors, refused.closed) == ({"reason": "Say more"}, False)
    done = await alice.submit(view, {"reason": "disk full"})
    assert (done.errors, done.closed, done.view) == ({}, True, None)
    await slack.wait_for_message("ops", "Because disk full")


async def test_a_checkbox_and_a_replaced_original(slack: LocalSlack) -> None:
    alice, menu_message = slack.person("alice"), await shown_menu(slack)
    assert (await alice.tick(menu_message, "Logs")).acked
    replaced = await slack.wait_for_message("ops", "Ticked: ['logs']")
    assert (replaced.ts, replaced.blocks) == (menu_message.ts, [])


async def test_a_mention_in_a_thread(slack: LocalSlack) -> None:
    parent = await slack.person("alice").say("Something is slow", "ops")
    asked = await slack.person("bob").say("@opsbell status", "ops", thread=parent)
    assert asked.thread_ts == parent.ts
    answer = await slack.wait_for_message("ops", "Heard", thread=parent)
    assert f"<@{slack.workspace.app.user_id}> status" in answer.text


async def test_home(slack: LocalSlack) -> None:
    alice = slack.person("alice")
    await alice.open_home()
    home = await slack.backend.changes.wait_for(lambda _changed: alice.home, timeout=5)
    assert home.blocks[0]["text"]["text"] == "Welcome"


async def test_options_for_an_external_select(slack: LocalSlack) -> None:
    select = {"type": "external_select", "action_id": "search"}
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    blocks = [section("Pick", accessory=select)]
    await client.chat_postMessage(channel="C0OPS00001", text="Pick", blocks=blocks)
    (message,) = slack.messages("ops")
    offered = await slack.person("alice").suggestions(message, "search", "abc")
    assert [each["text"]["text"] for each in offered] == ["ABC"]


async def test_an_upload_arrives_in_the_channel(slack: LocalSlack) -> None:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    parent = await slack.person("alice").say("Logs, if you will", "ops")
    answer = await client.files_upload_v2(
        channel="C0OPS00001",
        thread_ts=parent.ts,
        content="line 1\nline 2",
        filename="log.txt",
        title="The log",
        initial_comment="Here",
    )
    shared = await slack.wait_for_message("ops", "Here", thread=parent)
    assert shared.files[0]["id"] == answer["file"]["id"]
    (file,) = slack.files
    assert (file.title, slack.file_bytes(file)) == ("The log", b"line 1\nline 2")
    info = (await client.files_info(file=file.id))["file"]
    assert info["shares"]["public"]["C0OPS00001"][0]["ts"] == shared.ts
