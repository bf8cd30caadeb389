"""What a person's clicks, choices and commands look like when they reach the app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import ActingPerson, LocalSlack, Message, SlashCommand
from tests.playground.helpers import (
    JSON,
    RawApp,
    ack,
    actions,
    button,
    frame,
    option,
    plain,
    section,
)

OPS, ALICE = "C0OPS00001", "U0ALICE001"
Payload = Callable[[Awaitable[Any]], Awaitable[JSON]]


@pytest.fixture
async def payload_of(raw: RawApp) -> Payload:
    """Does something as a person and gives the payload that the app got and acked."""
    socket = await raw.connected()

    async def get(doing: Awaitable[Any]) -> JSON:
        task = asyncio.ensure_future(doing)
        while True:
            envelope = await frame(socket)
            await ack(socket, envelope)
            if envelope["type"] != "events_api":
                break
        assert (await task).acked
        payload: JSON = envelope["payload"]
        return payload

    return get


@pytest.fixture
def alice(slack: LocalSlack) -> ActingPerson:
    return slack.person(ALICE)


def boxes(*values: str, ticked: tuple[str, ...] = (), block_id: str = "row") -> JSON:
    options = [option(value.capitalize(), value) for value in values]
    element: JSON = {"type": "checkboxes", "action_id": "box", "options": options}
    if ticked:
        element["initial_options"] = [each for each in options if each["value"] in ticked]
    return section(block_id, block_id=block_id, accessory=element)


async def posted(client: AsyncWebClient, slack: LocalSlack, *blocks: JSON) -> Message:
    await client.chat_postMessage(channel=OPS, text="T", blocks=list(blocks))
    return slack.messages("ops")[-1]


async def test_a_command(slack: LocalSlack, alice: ActingPerson, payload_of: Payload) -> None:
    payload = await payload_of(alice.command("/restore for @bob in #alerts <b> & co", "ops"))
    assert payload["text"] == ("for <@U0BOB00001|bob> in <#C0ALERTS01|alerts> &lt;b&gt; &amp; co")
    expected = {
        "token": slack.workspace.app.verification_token,
        "team_id": slack.workspace.team_id,
        "team_domain": slack.workspace.domain,
        "channel_id": OPS,
        "channel_name": "ops",
        "user_id": ALICE,
        "user_name": "alice",
        "command": "/restore",
        "api_app_id": slack.workspace.app.id,
        "is_enterprise_install": "false",
    }
    assert {key: payload[key] for key in expected} == expected
    assert set(payload) == {*expected, "text", "response_url", "trigger_id"}
    assert len(payload["trigger_id"].split(".")) == 3


async def test_commands_that_slack_itself_refuses(alice: ActingPerson, slack: LocalSlack) -> None:
    parent = await alice.say("Hello", "ops")
    outcome = await alice.command("/backup now", "ops", thread=parent)
    assert (outcome.acked, outcome.error) == (False, "not_supported_in_threads")
    slack.backend.commands = {"/backup": SlashCommand("/backup")}
    outcome = await alice.command("/bakcup now", "ops")
    assert (outcome.acked, outcome.error) == (False, "unknown_command")
    assert slack.deliveries == []


async def test_a_click(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    go = button("Go", action_id="go", value="7")
    message = await posted(client, slack, boxes("a", "b", ticked=("b",)), actions(go, block_id="x"))
    payload = await payload_of(alice.click(message, "Go"))
    assert payload["type"] == "block_actions"
    assert payload["user"] == {
        "id": ALICE,
        "username": "alice",
        "name": "alice",
        "team_id": slack.workspace.team_id,
    }
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": OPS,
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": OPS, "name": "ops"}
    assert payload["message"]["ts"] == message.ts
    (action,) = payload["actions"]
    assert action.pop("action_ts")
    assert action == {
        "type": "button",
        "action_id": "go",
        "block_id": "x",
        "text": {"type": "plain_text", "text": "Go", "emoji": True},
        "value": "7",
    }
    ((block_id, entry),) = payload["state"]["values"].items()
    assert block_id == "row"
    assert entry["box"]["type"] == "checkboxes"
    assert [each["value"] for each in entry["box"]["selected_options"]] == ["b"]
    assert payload["response_url"].startswith(slack.backend.base_url)
    assert len(payload["trigger_id"].split(".")) == 3


async def test_a_click_in_a_thread_and_in_an_ephemeral(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    parent = await posted(client, slack, section())
    block = actions(button("Go", action_id="go"))
    await client.chat_postMessage(channel=OPS, text="T", blocks=[block], thread_ts=parent.ts)
    (reply,) = slack.replies(parent)
    payload = await payload_of(alice.click(reply, "Go"))
    assert payload["container"]["thread_ts"] == parent.ts

    await client.chat_postEphemeral(channel=OPS, user=ALICE, text="T", blocks=[block])
    (whisper,) = alice.ephemerals("ops")
    payload = await payload_of(alice.click(whisper, "Go"))
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    with pytest.raises(LookupError):
        await slack.person("bob").click(whisper, "Go")


async def test_only_what_is_to_be_seen_can_be_clicked(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    row = actions(
        button("For bob", action_id="bob", visible_to_user_ids=["U0BOB00001"]),
        button("Twice", action_id="one"),
        button("Twice", action_id="two"),
    )
    message = await posted(client, slack, row)
    for label in ("Nothing", "For bob", "Twice"):
        with pytest.raises(LookupError):
            await alice.click(message, label)
    await payload_of(alice.click(message, "two"))
    await payload_of(slack.person("bob").click(message, "For bob"))
    await client.chat_update(channel=OPS, ts=message.ts, text="Done")
    with pytest.raises(LookupError):
        await alice.click(message, "two")
    await payload_of(alice.click(message, "two", stale=True))
    await client.chat_delete(channel=OPS, ts=message.ts)
    with pytest.raises(LookupError):
        await alice.click(message, "two")


async def test_confirmations(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    words = {"title": "Sure", "text": "Really", "confirm": "Yes", "deny": "No"}
    sure = {key: plain(text) for key, text in words.items()}
    message = await posted(client, slack, actions(button("Drop", action_id="drop", confirm=sure)))
    declined = await alice.click(message, "Drop", confirm=False)
    assert (declined.acked, declined.error) == (False, None)
    assert slack.deliveries[1:] == []
    await payload_of(alice.click(message, "Drop"))


def ticked(payload: JSON, block_id: str = "row") -> list[str]:
    (action,) = payload["actions"]
    chosen = [each["value"] for each in action["selected_options"]]
    entry = payload["state"]["values"][block_id]["box"]["selected_options"]
    assert [each["value"] for each in entry] == chosen
    return chosen


async def test_ticking_toggles(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    message = await posted(client, slack, boxes("a", "b", ticked=("b",)))
    assert ticked(await payload_of(alice.tick(message, "row", "a"))) == ["b", "a"]
    assert ticked(await payload_of(alice.tick(message, "box", "B"))) == ["a"]
    assert ticked(await payload_of(alice.tick(message, "A"))) == []
    with pytest.raises(LookupError):
        await alice.tick(message, "row")


async def test_everybody_has_a_screen_of_their_own(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    message = await posted(client, slack, boxes("a", block_id="r1"), boxes("b", block_id="r2"))
    await payload_of(alice.tick(message, "r1"))
    payload = await payload_of(slack.person("bob").tick(message, "r2"))
    values = payload["state"]["values"]
    assert values["r1"]["box"]["selected_options"] == []
    assert [each["value"] for each in values["r2"]["box"]["selected_options"]] == ["b"]


async def test_an_entry_stays_while_its_element_does(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    message = await posted(client, slack, boxes("a"))
    await payload_of(alice.tick(message, "row"))
    # Another person unticked it: the same block_id keeps what alice entered, a new one does not.
    await client.chat_update(channel=OPS, ts=message.ts, text="T", blocks=[boxes("a")])
    assert ticked(await payload_of(alice.tick(message, "row"))) == []
    await payload_of(alice.tick(message, "row"))
    fresh = [boxes("a", block_id="row2")]
    await client.chat_update(channel=OPS, ts=message.ts, text="T", blocks=fresh)
    assert ticked(await payload_of(alice.tick(message, "row2")), "row2") == ["a"]


async def test_a_stale_screen_shows_the_older_version(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    old = await posted(client, slack, boxes("a", block_id="r1"), boxes("b", block_id="r2"))
    newer = [boxes("a", ticked=("a",), block_id="r1"), boxes("b", block_id="r2")]
    await client.chat_update(channel=OPS, ts=old.ts, text="T", blocks=newer)
    payload = await payload_of(alice.tick(old, "r2", stale=True))
    assert payload["state"]["values"]["r1"]["box"]["selected_options"] == []
    assert payload["message"]["blocks"] == old.blocks
    payload = await payload_of(slack.person("bob").tick(old, "r2"))
    assert len(payload["state"]["values"]["r1"]["box"]["selected_options"]) == 1


async def test_menus_and_pickers(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    choices = [option("Small", "s"), option("Large", "l")]
    row = actions(
        {"type": "static_select", "action_id": "size", "options": choices},
        {"type": "overflow", "action_id": "more", "options": choices},
        {"type": "users_select", "action_id": "who"},
        {"type": "channels_select", "action_id": "where"},
        {"type": "datepicker", "action_id": "day"},
        {"type": "radio_buttons", "action_id": "radio", "options": choices},
        block_id="x",
    )
    multi = {"type": "multi_static_select", "action_id": "many", "options": choices}
    message = await posted(client, slack, row, section(block_id="y", accessory=multi))

    async def chosen(doing: Awaitable[Any]) -> Any:
        payload = await payload_of(doing)
        (action,) = payload["actions"]
        (key,) = set(action) - {"type", "action_id", "block_id", "action_ts"}
        if action["type"] != "overflow":
            held = payload["state"]["values"][action["block_id"]][action["action_id"]]
            assert held == {"type": action["type"], key: action[key]}
        return key, action[key]

    large = message.blocks[0]["elements"][0]["options"][1]
    assert await chosen(alice.select(message, "size", "Large")) == ("selected_option", large)
    assert await chosen(alice.overflow(message, "more", "Large")) == ("selected_option", large)
    assert await chosen(alice.select(message, "who", "bob")) == ("selected_user", "U0BOB00001")
    assert await chosen(alice.select(message, "where", "alerts")) == (
        "selected_channel",
        "C0ALERTS01",
    )
    assert await chosen(alice.select(message, "day", "2026-11-22")) == (
        "selected_date",
        "2026-11-22",
    )
    assert await chosen(alice.select(message, "radio", "l")) == ("selected_option", large)
    assert await chosen(alice.select(message, "many", ["Large"])) == ("selected_options", [large])
    payload = await payload_of(alice.select(message, "who", "carol"))
    assert set(payload["state"]["values"]["x"]) == {"size", "who", "where", "day", "radio"}
    with pytest.raises(LookupError):
        await alice.select(message, "size", "Medium")


async def test_shortcuts(
    slack: LocalSlack, client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    payload = await payload_of(alice.shortcut("report"))
    assert (payload["type"], payload["callback_id"]) == ("shortcut", "report")
    assert {"trigger_id", "action_ts", "token", "team", "user"} <= set(payload)
    assert not {"channel", "response_url", "message"} & set(payload)
    message = await posted(client, slack, section())
    payload = await payload_of(alice.shortcut("report", message))
    assert (payload["type"], payload["message_ts"]) == ("message_action", message.ts)
    assert payload["message"]["ts"] == message.ts
    assert payload["channel"] == {"id": OPS, "name": "ops"}
    assert "response_url" in payload


async def test_without_escaping_names_stay_as_typed(slack: LocalSlack, payload_of: Payload) -> None:
    slack.backend.should_escape = False
    payload = await payload_of(slack.person(ALICE).command("/restore for @bob <b>", "ops"))
    assert payload["text"] == "for @bob <b>"


async def test_a_click_in_a_home(
    client: AsyncWebClient, alice: ActingPerson, payload_of: Payload
) -> None:
    view = {"type": "home", "blocks": [actions(button("Go", action_id="go"))]}
    await client.views_publish(user_id=ALICE, view=view)
    assert alice.home is not None
    payload = await payload_of(alice.click(alice.home, "Go"))
    assert payload["container"] == {"type": "view", "view_id": alice.home.id}
    assert payload["view"]["type"] == "home"
