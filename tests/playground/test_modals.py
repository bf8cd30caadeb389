"""Modals in people's hands: filling in, submitting, stacking, closing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, SubmitResult, View
from tests.playground.helpers import (
    JSON,
    RawApp,
    ack,
    actions,
    button,
    error_of,
    frame,
    modal,
    option,
    plain,
    section,
    text_input,
)

ALICE = "U0ALICE001"
Run = Callable[[Awaitable[Any], Any], Awaitable[tuple[Any, JSON]]]


@pytest.fixture
async def run(raw: RawApp) -> Run:
    """Does something as a person, acks its payload with an answer; gives result and payload."""
    socket = await raw.connected()

    async def act(doing: Awaitable[Any], answer: Any = None) -> tuple[Any, JSON]:
        task = asyncio.ensure_future(doing)
        envelope = await frame(socket)
        await ack(socket, envelope, answer)
        return await task, envelope["payload"]

    return act


@pytest.fixture
def opened(slack: LocalSlack, client: AsyncWebClient) -> Callable[..., Awaitable[View]]:
    async def open_(*blocks: JSON, **more: Any) -> View:
        trigger = slack.backend.triggers.new(ALICE)
        await client.views_open(trigger_id=trigger, view=modal(*blocks, **more))
        return await slack.person(ALICE).wait_for_view()

    return open_


Opened = Callable[..., Awaitable[View]]


async def test_the_payload_of_a_submission(slack: LocalSlack, run: Run, opened: Opened) -> None:
    view = await opened(text_input("why"), private_metadata="op 7", external_id="x7")
    result, payload = await run(slack.person(ALICE).submit(view, {"Why": "Disk"}), None)
    assert isinstance(result, SubmitResult)
    assert (result.acked, result.closed, result.view) == (True, True, None)
    assert payload["type"] == "view_submission"
    assert payload["response_urls"] == []
    assert not {"container", "channel", "message", "response_url"} & set(payload)
    sent = payload["view"]
    assert sent["state"]["values"] == {
        "why": {"text": {"type": "plain_text_input", "value": "Disk"}}
    }
    assert (sent["private_metadata"], sent["external_id"]) == ("op 7", "x7")
    assert (sent["root_view_id"], sent["previous_view_id"]) == (view.id, None)
    assert {"hash", "app_id", "bot_id", "team_id", "notify_on_close", "title"} <= set(sent)


async def test_every_kind_of_input(slack: LocalSlack, run: Run, opened: Opened) -> None:
    def field(kind: str, **more: Any) -> JSON:
        element = {"type": kind, "action_id": "a", **more}
        return {"type": "input", "block_id": kind, "label": plain(kind), "element": element}

    choices = [option("Small", "s"), option("Large", "l")]
    alice = slack.person(ALICE)
    file = await alice.upload("a.txt", b"abc")
    view = await opened(
        field("number_input", is_decimal_allowed=False),
        field("email_text_input"),
        field("rich_text_input"),
        field("checkboxes", options=choices),
        field("radio_buttons", options=choices),
        field("static_select", options=choices),
        field("multi_static_select", options=choices),
        field("users_select"),
        field("multi_users_select"),
        field("conversations_select", response_url_enabled=True),
        field("timepicker"),
        field("datetimepicker"),
        field("file_input"),
        field("url_text_input") | {"optional": True},
    )
    entries = {
        "number_input": 5,
        "email_text_input": "a@b.example",
        "rich_text_input": "Bold",
        "checkboxes": True,
        "radio_buttons": "Large",
        "static_select": "s",
        "multi_static_select": ["Small", "Large"],
        "users_select": "@bob",
        "multi_users_select": ["bob", "carol"],
        "conversations_select": "#alerts",
        "timepicker": "09:30",
        "datetimepicker": 1_700_000_000,
        "file_input": file,
    }
    _, payload = await run(alice.submit(view, entries), None)
    held = {block: entry["a"] for block, entry in payload["view"]["state"]["values"].items()}
    assert held["number_input"]["value"] == "5"
    assert held["rich_text_input"]["rich_text_value"]["type"] == "rich_text"
    assert [each["value"] for each in held["checkboxes"]["selected_options"]] == ["s", "l"]
    assert held["radio_buttons"]["selected_option"]["value"] == "l"
    assert held["static_select"]["selected_option"]["value"] == "s"
    assert len(held["multi_static_select"]["selected_options"]) == 2
    assert held["users_select"]["selected_user"] == "U0BOB00001"
    assert held["multi_users_select"]["selected_users"] == ["U0BOB00001", "U0CAROL001"]
    assert held["conversations_select"]["selected_conversation"] == "C0ALERTS01"
    assert held["timepicker"]["selected_time"] == "09:30"
    assert held["datetimepicker"]["selected_date_time"] == 1_700_000_000
    assert held["file_input"]["files"] == [{"id": file.id, "name": "a.txt"}]
    assert held["url_text_input"] == {"type": "url_text_input", "value": None}
    (response_url,) = payload["response_urls"]
    assert response_url["channel_id"] == "C0ALERTS01"


async def test_slack_itself_asks_for_what_is_missing(slack: LocalSlack, opened: Opened) -> None:
    short = text_input("short")
    short["element"] |= {"min_length": 3, "max_length": 5}
    view = await opened(text_input("why"), short, text_input("extra", optional=True))
    alice = slack.person(ALICE)
    result = await alice.submit(view, {"short": "ab"})
    assert (result.acked, result.errors) == (False, {"why": "required", "short": "too short"})
    result = await alice.submit(view, {"why": "x", "short": "abcdef"})
    assert result.errors == {"short": "too long"}
    assert slack.deliveries == []


async def test_errors_keep_the_modal(slack: LocalSlack, run: Run, opened: Opened) -> None:
    view = await opened(section(block_id="text"), text_input("why"))
    alice = slack.person(ALICE)
    answer = {"response_action": "errors", "errors": {"why": "Say more"}}
    result, _ = await run(alice.submit(view, {"why": "x"}), answer)
    assert (result.errors, result.closed, result.view) == ({"why": "Say more"}, False, view)
    answer = {"response_action": "errors", "errors": {"text": "Not an input"}}
    result, _ = await run(alice.submit(view), answer)
    assert (result.errors, result.closed, result.error) == ({}, False, "connection_error")


async def test_update_push_and_clear(slack: LocalSlack, run: Run, opened: Opened) -> None:
    first = await opened(text_input("why"))
    alice = slack.person(ALICE)
    answer = {"response_action": "push", "view": modal(section(), title=plain("Two"))}
    result, _ = await run(alice.submit(first, {"why": "x"}), answer)
    second = result.view
    assert second is not None
    assert (second.title, second.previous_id, second.root_id) == ("Two", first.id, first.id)
    with pytest.raises(LookupError):
        await alice.submit(first)
    answer = {"response_action": "update", "view": modal(section(), title=plain("Two b"))}
    result, _ = await run(alice.submit(second), answer)
    assert (result.closed, second.title) == (False, "Two b")
    result, _ = await run(alice.submit(second), {"response_action": "clear"})
    assert (result.closed, result.view) == (True, None)


async def test_a_submitted_modal_uncovers_the_one_below(
    slack: LocalSlack, client: AsyncWebClient, run: Run, opened: Opened
) -> None:
    first = await opened(text_input("why"))
    trigger = slack.backend.triggers.new(ALICE, first.id)
    await client.views_push(trigger_id=trigger, view=modal(section()))
    second = await slack.person(ALICE).wait_for_view()
    result, _ = await run(slack.person(ALICE).submit(second), None)
    assert (result.closed, result.view) == (True, first)


@pytest.mark.parametrize(
    "view", [modal(section("")), modal(), {"type": "home", "blocks": []}, None]
)
async def test_an_unusable_view_in_an_answer(
    slack: LocalSlack, run: Run, opened: Opened, view: JSON | None
) -> None:
    first = await opened(section())
    answer = {"response_action": "update", "view": view}
    result, _ = await run(slack.person(ALICE).submit(first), answer)
    assert (result.acked, result.closed, result.error) == (True, False, "connection_error")


async def test_closing_is_told_if_asked_for(slack: LocalSlack, run: Run, opened: Opened) -> None:
    view = await opened(section(), notify_on_close=True)
    _, payload = await run(slack.person(ALICE).close(view), None)
    assert (payload["type"], payload["is_cleared"]) == ("view_closed", False)
    assert payload["view"]["id"] == view.id
    quiet = await opened(section())
    await slack.person(ALICE).close(quiet)
    assert len(slack.deliveries) == 1


async def test_clear_on_close_takes_the_stack(
    slack: LocalSlack, client: AsyncWebClient, run: Run, opened: Opened
) -> None:
    first = await opened(section(), notify_on_close=True)
    trigger = slack.backend.triggers.new(ALICE, first.id)
    await client.views_push(trigger_id=trigger, view=modal(section(), clear_on_close=True))
    second = await slack.person(ALICE).wait_for_view()
    _, payload = await run(slack.person(ALICE).close(second), None)
    assert (payload["view"]["id"], payload["is_cleared"]) == (first.id, True)
    assert slack.backend.views.top(ALICE) is None


async def test_entries_survive_an_update_where_ids_do(
    slack: LocalSlack, client: AsyncWebClient, run: Run, opened: Opened
) -> None:
    view = await opened(text_input("why"), text_input("gone", optional=True))
    alice = slack.person(ALICE)
    answer = {"response_action": "errors", "errors": {"why": "Hm"}}
    await run(alice.submit(view, {"why": "kept", "gone": "lost"}), answer)
    await client.views_update(view_id=view.id, view=modal(text_input("why"), section()))
    assert view.state == {"why": {"text": {"type": "plain_text_input", "value": "kept"}}}


async def test_actions_inside_a_modal(slack: LocalSlack, run: Run, opened: Opened) -> None:
    live = text_input("live") | {"dispatch_action": True}
    view = await opened(
        actions(button("More", action_id="more")), live, text_input("dead", optional=True)
    )
    alice = slack.person(ALICE)
    _, payload = await run(alice.click(view, "More"), None)
    assert payload["container"] == {"type": "view", "view_id": view.id}
    assert payload["view"]["id"] == view.id
    assert payload["hash"] == view.hash
    assert not {"channel", "message", "response_url"} & set(payload)
    _, payload = await run(alice.select(view, "live", "typed"), None)
    assert payload["actions"][0]["value"] == "typed"
    silent = await alice.select(view, "dead", "typed")
    assert (silent.acked, silent.error) == (False, None)
    assert payload["view"]["state"]["values"]["dead"]["text"]["value"] is None
    assert view.state["dead"]["text"]["value"] == "typed"


async def test_an_unanswered_submission(slack: LocalSlack, opened: Opened) -> None:
    view = await opened(section())
    result = await slack.person(ALICE).submit(view)
    assert (result.acked, result.error, result.closed) == (False, "dispatch_failed", False)


async def test_a_choice_from_the_app(slack: LocalSlack, run: Run, opened: Opened) -> None:
    select = {"type": "external_select", "action_id": "a", "min_query_length": 1}
    view = await opened(section(accessory=select, block_id="b"))
    alice = slack.person(ALICE)
    offered, payload = await run(
        alice.suggestions(view, "a", "ab"), {"options": [option("abc", "1")]}
    )
    assert [each["value"] for each in offered] == ["1"]
    assert (payload["type"], payload["value"]) == ("block_suggestion", "ab")
    assert (payload["block_id"], payload["action_id"]) == ("b", "a")
    grouped = {"option_groups": [{"label": plain("G"), "options": [option("x", "2")]}]}
    offered, _ = await run(alice.suggestions(view, "a", "x"), grouped)
    assert [each["value"] for each in offered] == ["2"]


async def test_a_choice_from_the_app_in_a_form(
    slack: LocalSlack, raw: RawApp, client: AsyncWebClient, opened: Opened
) -> None:
    socket = await raw.connected()
    select = {"type": "external_select", "action_id": "a"}
    view = await opened({"type": "input", "block_id": "b", "label": plain("L"), "element": select})
    submitting = asyncio.create_task(slack.person(ALICE).submit(view, {"b": "abc"}))
    asked = await frame(socket)
    assert asked["payload"]["type"] == "block_suggestion"
    await ack(socket, asked, {"options": [option("abc", "1")]})
    sent = await frame(socket)
    await ack(socket, sent)
    assert (await submitting).closed
    assert sent["payload"]["view"]["state"]["values"]["b"]["a"]["selected_option"]["value"] == "1"


async def test_an_unknown_response_action(slack: LocalSlack, run: Run, opened: Opened) -> None:
    view = await opened(section())
    result, _ = await run(slack.person(ALICE).submit(view), {"response_action": "explode"})
    assert (result.acked, result.closed, result.error) == (True, False, "connection_error")


async def test_a_view_keeps_its_type(client: AsyncWebClient, opened: Opened) -> None:
    view = await opened(section(), private_metadata="m", callback_id="c")
    assert (view.private_metadata, view.callback_id) == ("m", "c")
    home = {"type": "home", "blocks": []}
    assert await error_of(client.views_update(view_id=view.id, view=home)) == "invalid_arguments"
