"""Slack's payloads read as requests: the shapes that no ordinary day brings."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.inbound import read
from bot.slack.surface import Kind, Request

BOT = "U0BOT00001"


def mention(text: str, prefix: str = "", **more: Any) -> Request | None:
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.000001", "text": text}
    return read({"type": "event_callback", "event": event | more}, bot_user=BOT, prefix=prefix)


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        (f"<@{BOT}> backup now", "backup", "now"),
        (f"<@{BOT}> /Backup now", "backup", "now"),
        (f"hey <@{BOT}>\nbackup\nnow", "backup", "now"),
        (f"<@{BOT}>", "", ""),
        (f"<@{BOT}> backup", "backup", ""),
        (f"<@{BOT}> assign <@U2>", "assign", "U2"),
        (f"<@{BOT}>: backup list", "backup", "list"),
        (f"<@{BOT}>, maintenance on: late, sorry", "maintenance", "on: late, sorry"),
        (f"<@{BOT}>\N{NO-BREAK SPACE}: /backup", "backup", ""),
        (f"<@{BOT}>:", "", ""),
    ],
)
def test_what_a_mention_asks_for(text: str, name: str, rest: str) -> None:
    request = mention(text)
    assert request is not None
    assert (request.name, request.text) == (name, rest)


@pytest.mark.parametrize("typed", ["backup", "/backup", "gv-backup", "/gv-backup", "GV-Backup"])
def test_a_mention_may_bear_the_prefix_of_the_slash_commands(typed: str) -> None:
    request = mention(f"<@{BOT}> {typed} list", prefix="gv-")
    assert request is not None
    assert (request.name, request.text) == ("backup", "list")


def test_a_command_that_begins_like_the_prefix_is_that_command() -> None:
    request = mention(f"<@{BOT}> backup list", prefix="back")
    assert request is not None
    assert request.name == "backup"


def test_what_cannot_be_read_or_kept_is_left_out_of_everything() -> None:
    typed = "a\x00b\x1b[31mc\ud800d\n\te"
    request = mention(f"<@{BOT}> backup {typed}")
    assert request is not None
    assert request.text == "ab[31mcd\n\te"
    state = {"values": {"note": {"text": {"type": "plain_text_input", "value": typed}}}}
    view = {"id": "V1", "hash": "h", "callback_id": "note", "state": state}
    payload = {"type": "view_submission", "user": {"id": "U1"}, "view": view, "trigger_id": "t"}
    filled = read(payload, bot_user=BOT)
    assert filled is not None
    assert filled.fields == {"note": "ab[31mcd\n\te"}


@pytest.mark.parametrize(
    "more",
    [
        {"edited": {"user": "U1", "ts": "1.000002"}},
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"type": "message", "channel_type": "channel"},
        {"type": "message", "channel_type": "im", "subtype": "message_deleted"},
        {"type": "reaction_added"},
    ],
)
def test_what_is_no_mention(more: dict[str, Any]) -> None:
    assert mention(f"<@{BOT}> backup now", **more) is None


def test_a_mention_has_one_key_however_many_events_tell_of_it() -> None:
    first = mention(f"<@{BOT}> backup now")
    second = mention(f"<@{BOT}> backup now", type="message", channel_type="im")
    assert first is not None
    assert second is not None
    assert first.key == second.key


def click(action: dict[str, Any], **more: Any) -> Request:
    payload = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "trigger_id": "1.2.3",
        "container": {"type": "message", "message_ts": "1.000001", "channel_id": "C1"},
        "channel": {"id": "C1", "name": "privategroup"},
        "actions": [{"action_id": "do:7:a", "block_id": "b", **action}],
    }
    request = read(payload | more, bot_user=BOT)
    assert request is not None
    return request


@pytest.mark.parametrize(
    ("action", "value", "chosen"),
    [
        ({"type": "button", "value": "v"}, "v", ()),
        ({"type": "button"}, "", ()),
        ({"type": "static_select", "selected_option": {"value": "v"}}, "v", ()),
        ({"type": "static_select", "selected_option": None}, "", ()),
        ({"type": "overflow", "selected_option": {"value": "v"}}, "v", ()),
        ({"type": "checkboxes", "selected_options": [{"value": "a"}]}, "", ("a",)),
        ({"type": "checkboxes", "selected_options": []}, "", ()),
        ({"type": "multi_users_select", "selected_users": ["U2", "U3"]}, "", ("U2", "U3")),
        ({"type": "users_select", "selected_user": "U2"}, "U2", ()),
        ({"type": "datepicker", "selected_date": "2026-11-22"}, "2026-11-22", ()),
    ],
)
def test_what_a_control_holds(action: dict[str, Any], value: str, chosen: tuple[str, ...]) -> None:
    request = click(action)
    assert (request.value, request.chosen) == (value, chosen)
    assert (request.name, request.text, request.kind) == ("do", "7:a", Kind.CLICK)
    assert request.channel_name == ""


def test_only_buttons_have_twins() -> None:
    button = {"type": "button", "value": "v"}
    assert click(button).twin == click(button, trigger_id="4.5.6").twin != ""
    assert click(button).key != click(button, trigger_id="4.5.6").key
    assert click(button, user={"id": "U2"}).twin != click(button).twin
    assert click({"type": "checkboxes", "selected_options": []}).twin == ""


def test_a_click_on_an_ephemeral_in_a_thread_knows_the_thread() -> None:
    container = {"message_ts": "2.0", "channel_id": "C1", "is_ephemeral": True, "thread_ts": "1.0"}
    assert click({"type": "button"}, container=container).thread == "1.0"


def test_a_form_s_fields_by_block() -> None:
    values = {
        "note": {"text": {"type": "plain_text_input", "value": None}},
        "who": {"menu": {"type": "static_select", "selected_option": {"value": "3"}}},
        "two": {
            "a": {"type": "checkboxes", "selected_options": []},
            "b": {"type": "plain_text_input", "value": "x"},
        },
    }
    view: dict[str, Any] = {"id": "V1", "hash": "1.a", "callback_id": "more:7"}
    view |= {"private_metadata": "m", "state": {"values": values}}
    payload = {"type": "view_submission", "user": {"id": "U1"}, "trigger_id": "1.2", "view": view}
    request = read(payload, bot_user=BOT)
    assert request is not None
    assert dict(request.fields) == {"note": "", "who": "3", "a": [], "b": "x"}
    assert (request.name, request.text, request.metadata) == ("more", "7", "m")


def test_a_request_survives_the_queue() -> None:
    request = click({"type": "checkboxes", "selected_options": [{"value": "a"}]})
    assert Request.from_json(request.as_json()) == request
