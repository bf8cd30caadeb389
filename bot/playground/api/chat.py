"""chat.*: posting, updating and deleting messages."""

from __future__ import annotations

import json
from typing import Any

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.message import Message
from bot.playground.shapes import message_json
from bot.playground.validation.messages import check_message
from bot.playground.wire import Args
from bot.playground.workspace import Channel

TEXT_TRUNCATED = 40_000  # characters; chat.postMessage cuts longer text
UPDATE_TEXT = 4_000  # UTF-8 bytes in chat.update, the stricter of two accounts
EPHEMERAL_TEXT = 4_000  # characters; Slack says msg_too_long without a number
MARKDOWN_TEXT = 12_000  # characters
METADATA_BYTES = 16_000  # of event_payload as JSON; Slack says 16 KB


def _content(args: Args) -> JSON:
    """Text, blocks and attachments as given (absent ones left out), checked."""
    content: JSON = {}
    if "text" in args:
        content["text"] = args.text("text")
    if "blocks" in args:
        blocks = args.structure("blocks", "invalid_blocks_format")
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        content["blocks"] = blocks
    if "attachments" in args:
        content["attachments"] = args.structure("attachments", "invalid_attachments") or []
    if "markdown_text" in args:
        if content:
            raise SlackError("markdown_text_conflict")
        content["text"] = args.text("markdown_text")
        if len(content["text"]) > MARKDOWN_TEXT:
            raise SlackError("msg_too_long")
    check_message(content.get("blocks", []), content.get("attachments"))
    return content


def _require_content(content: JSON) -> None:
    if not content.get("text", "").strip() and not (
        content.get("blocks") or content.get("attachments")
    ):
        raise SlackError("no_text")


def _metadata(args: Args) -> JSON | None:
    if "metadata" not in args:
        return None
    metadata = args.structure("metadata", "invalid_metadata_format")
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    payload = metadata.get("event_payload")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    if (
        len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
        > METADATA_BYTES
    ):
        raise SlackError("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": payload}


def _target(backend: Backend, reference: str) -> Channel:
    """Where a post goes: a conversation's ID, a channel's name, or a person's ID for their DM."""
    workspace = backend.workspace
    if reference in workspace.people and reference != backend.bot_id:
        return workspace.direct_channel(reference)
    try:
        channel = workspace.find_channel(reference)
    except KeyError:
        raise SlackError("channel_not_found") from None
    has_public = "chat:write.public" in workspace.app.scopes
    may_post_outside = has_public and channel.kind == "public_channel"
    return backend.channel(channel.id, member=not may_post_outside, active=True)


def _thread(backend: Backend, channel: Channel, args: Args) -> str | None:
    """The parent's ts to reply to, if the call names one."""
    thread_ts = args.text("thread_ts")
    if not thread_ts:
        return None
    parent = channel.messages.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.is_reply or parent.ephemeral_for:
        raise SlackError("cannot_reply_to_message")
    return thread_ts


def post_message(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    if any(name in args for name in ("username", "icon_emoji", "icon_url")):
        backend.need_scope("chat:write.customize")
    content = _content(args)
    _require_content(content)
    metadata = _metadata(args)
    channel = _target(backend, args.text("channel"))
    thread_ts = _thread(backend, channel, args)
    content["text"] = content.get("text", "")[:TEXT_TRUNCATED]
    is_broadcast = thread_ts is not None and args.flag("reply_broadcast")
    message = backend.timeline.post(
        channel,
        backend.bot_id,
        **content,
        metadata=metadata,
        thread_ts=thread_ts,
        username=args.text("username") or None,
        subtype="thread_broadcast" if is_broadcast else None,
    )
    return _posted(backend, channel, message)


def _posted(backend: Backend, channel: Channel, message: Message) -> JSON:
    shown = message_json(message, backend.workspace)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def _own_message(backend: Backend, args: Args, refusal: str) -> tuple[Channel, Message]:
    channel = backend.channel(args.text("channel"), active=True)
    message = backend.message(channel, args.text("ts"))
    if message.user != backend.bot_id:
        raise SlackError(refusal)
    return channel, message


def update(backend: Backend, args: Args) -> JSON:
    args.require("channel", "ts")
    content = _content(args)
    metadata = _metadata(args)
    channel, message = _own_message(backend, args, "cant_update_message")
    changes = _update(message, content)
    if metadata is not None:
        changes["metadata"] = metadata
    if not changes["blocks"]:
        changes["edited"] = {
            "user": backend.bot_id,
            "ts": backend.workspace.new_ts(backend.clock()),
        }
    version = backend.timeline.edit(message, **changes)
    return {**_posted(backend, channel, version), "text": version.text}


def _update(message: Message, content: JSON) -> dict[str, Any]:
    """What an update changes: text without blocks removes blocks; omitted text stays."""
    if not content:
        raise SlackError("no_text")
    if len(content.get("text", "").encode()) > UPDATE_TEXT:
        raise SlackError("msg_too_long")
    changes = {
        "text": content.get("text", message.text),
        "blocks": content.get("blocks", [] if "text" in content else message.blocks),
        "attachments": content.get("attachments", message.attachments),
    }
    _require_content(changes)
    if changes["blocks"] and _has_rich_text(message.blocks) > _has_rich_text(changes["blocks"]):
        raise SlackError("block_mismatch")
    return changes


def _has_rich_text(blocks: list[JSON]) -> bool:
    return any(block["type"] == "rich_text" for block in blocks)


def delete(backend: Backend, args: Args) -> JSON:
    args.require("channel", "ts")
    channel, message = _own_message(backend, args, "cant_delete_message")
    backend.timeline.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(backend: Backend, args: Args) -> JSON:
    args.require("channel", "user")
    content = _content(args)
    _require_content(content)
    if len(content.get("text", "")) > EPHEMERAL_TEXT:
        raise SlackError("msg_too_long")
    channel = backend.channel(args.text("channel"), member=True, active=True)
    user = args.text("user")
    if user not in channel.members or user == backend.bot_id:
        raise SlackError("user_not_in_channel")
    thread_ts = _thread(backend, channel, args)
    message = backend.timeline.whisper(
        channel, backend.bot_id, user, **content, thread_ts=thread_ts
    )
    return {"message_ts": message.ts}


def get_permalink(backend: Backend, args: Args) -> JSON:
    args.require("channel", "message_ts")
    channel = backend.channel(args.text("channel"))
    message = backend.message(channel, args.text("message_ts"))
    link = f"{backend.base_url}archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


_WRITE = ("chat:write",)
METHODS = (
    Method("chat.postMessage", post_message, "post", _WRITE),
    Method("chat.update", update, "3", _WRITE),
    Method("chat.delete", delete, "3", _WRITE),
    Method("chat.postEphemeral", post_ephemeral, "4", _WRITE),
    Method("chat.getPermalink", get_permalink, "auth"),
)
