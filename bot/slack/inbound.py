"""Slack's payloads → requests. Pure; what is no request of a person's reads as None."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from bot.config.access import COMMANDS
from bot.slack.surface import Kind, Request
from bot.slack.text_in import clean, printable

Payload = Mapping[str, Any]
Redact = Callable[[str], str]

# What people type freely; everything else in a modal was built by Opsbell.
_TYPED = ("plain_text_input", "email_text_input", "url_text_input")

# What people put behind the name of whom they speak to: `@opsbell: backup now`.
_ADDRESSING = ":, \t\n"


def read(
    payload: Payload, *, bot_user: str, prefix: str = "", redact: Redact = str
) -> Request | None:
    """The request in a payload, from Socket Mode or HTTP alike.

    `bot_user` is Opsbell's own user ID, `prefix` what its slash commands begin with. What was
    typed into fields goes through `redact`; the words of commands do not, since names are among
    them.
    """
    request = _read(payload, bot_user, prefix, redact)
    return request and Request.from_json(printable(request.as_json()))


def _read(payload: Payload, bot_user: str, prefix: str, redact: Redact) -> Request | None:
    if "command" in payload:
        return _command(payload, prefix)
    match payload.get("type"):
        case "event_callback":
            return _event(payload["event"], bot_user, prefix)
        case "block_actions" if payload.get("actions"):
            return _click(payload, redact)
        case "view_submission":
            return _form(payload, redact)
    return None


def _command(payload: Payload, prefix: str) -> Request:
    # A trigger is made anew for each command typed, and repeated when one is delivered twice.
    return Request(
        kind=Kind.COMMAND,
        key=f"command:{_mark(payload['trigger_id'])}",
        name=payload["command"].removeprefix("/").removeprefix(prefix),
        user=payload["user_id"],
        channel=payload["channel_id"],
        channel_name=_channel_name(payload.get("channel_name", "")),
        text=clean(payload.get("text") or ""),
        trigger_id=payload["trigger_id"],
        response_url=payload["response_url"],
    )


def _event(event: Payload, bot_user: str, prefix: str) -> Request | None:
    if "bot_id" in event or "user" not in event:
        return None
    if event["type"] == "app_home_opened":
        key = f"home:{event['user']}:{event['event_ts']}"
        opened = event.get("tab") == "home"
        return Request(Kind.HOME, key, "home", event["user"]) if opened else None
    # In a direct message there is nobody else to mention.
    direct = event["type"] == "message" and event.get("channel_type") == "im"
    if not direct and event["type"] != "app_mention":
        return None
    # Correcting a message must not run it again; a subtype is an edit, a deletion or a join.
    if "edited" in event or "subtype" in event:
        return None
    return _mention(event, bot_user, prefix)


def _mention(event: Payload, bot_user: str, prefix: str) -> Request:
    # The message itself is the key: it may come as several events (app_mention and message).
    before, mentioned, after = event.get("text", "").partition(f"<@{bot_user}>")
    said = clean(after if mentioned else before).lstrip(_ADDRESSING)
    typed, text = (*said.split(None, 1), "", "")[:2]
    name = typed.removeprefix("/").lower()
    return Request(
        kind=Kind.MENTION,
        key=f"mention:{event['channel']}:{event['ts']}",
        # Unlike a slash command, what is mentioned may bear the prefix or not.
        name=name if name in COMMANDS else name.removeprefix(prefix),
        user=event["user"],
        channel=event["channel"],
        thread=event.get("thread_ts") or "",
        message=event["ts"],
        text=text,
    )


def _click(payload: Payload, redact: Redact) -> Request:
    action, container = payload["actions"][0], payload.get("container", {})
    view = payload.get("view") or {}
    channel = payload.get("channel") or {}
    user, name = payload["user"]["id"], action["action_id"]
    message = container.get("message_ts", "")
    place = view.get("id") or f"{container.get('channel_id')}:{message}"
    value = _value(action, redact)
    return Request(
        kind=Kind.CLICK,
        key=f"click:{_mark(payload['trigger_id'])}",
        # Two ticks of a checkbox are two wishes; two clicks on a button are one.
        twin=f"{user}:{place}:{name}:{value}" if action["type"] == "button" else "",
        name=name.partition(":")[0],
        user=user,
        channel=container.get("channel_id") or channel.get("id", ""),
        channel_name=_channel_name(channel.get("name", "")),
        thread=container.get("thread_ts") or (payload.get("message") or {}).get("thread_ts", ""),
        message=message,
        text=name.partition(":")[2],
        value=value if isinstance(value, str) else "",
        chosen=tuple(value) if isinstance(value, list) else (),
        fields=_fields(view, redact),
        metadata=view.get("private_metadata", ""),
        view_id=view.get("id", ""),
        trigger_id=payload["trigger_id"],
        response_url=payload.get("response_url", ""),
    )


def _channel_name(name: str) -> str:
    """A name that tells the channel from others: Slack calls every private channel the same."""
    return "" if name in ("privategroup", "directmessage") else name


def _mark(trigger_id: str) -> str:
    """Tells triggers apart without keeping them: for a while, one opens modals."""
    return hashlib.blake2b(trigger_id.encode(), digest_size=16).hexdigest()


def _form(payload: Payload, redact: Redact) -> Request:
    view = payload["view"]
    name, _, text = view["callback_id"].partition(":")
    return Request(
        kind=Kind.FORM,
        # The hash changes whenever the modal's contents do: twice the same is a double submit.
        key=f"form:{view['id']}:{view['hash']}",
        name=name,
        user=payload["user"]["id"],
        text=text,
        fields=_fields(view, redact),
        metadata=view.get("private_metadata", ""),
        view_id=view["id"],
        trigger_id=payload["trigger_id"],
    )


def _fields(view: Payload, redact: Redact) -> dict[str, Any]:
    """Block by block what is filled in; in blocks of several elements, by action_id."""
    fields: dict[str, Any] = {}
    for block_id, elements in view.get("state", {}).get("values", {}).items():
        for action_id, element in elements.items():
            fields[block_id if len(elements) == 1 else action_id] = _value(element, redact)
    return fields


def _value(element: Payload, redact: Redact) -> str | list[str]:
    """What an element holds: one text, or a list where several can be chosen. Empty: "" or []."""
    for key, content in element.items():
        if key == "selected_options":
            return [option["value"] for option in content or ()]
        if key == "selected_option":
            return str(content["value"]) if content else ""
        if key.startswith("selected_"):
            return content if isinstance(content, list) else str(content or "")
    value = str(element.get("value") or "")
    return redact(printable(value)) if element.get("type") in _TYPED else value
