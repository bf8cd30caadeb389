"""Pins, bookmarks and reactions."""

from __future__ import annotations

import re

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.message import Message
from bot.playground.shapes import message_json
from bot.playground.wire import Args
from bot.playground.workspace import Channel

PINS = 100
BOOKMARKS = 100
_EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def _message(backend: Backend, args: Args) -> tuple[Channel, Message]:
    args.require("channel", "timestamp")
    channel = backend.channel(args.text("channel"), member=True)
    return channel, backend.message(channel, args.text("timestamp"))


def add_pin(backend: Backend, args: Args) -> JSON:
    channel, message = _message(backend, args)
    if message.ts in channel.pins:
        raise SlackError("already_pinned")
    if len(channel.pins) >= PINS:
        raise SlackError("too_many_pins")
    channel.pins[message.ts] = backend.bot_id
    backend.changes.publish(channel)
    return {}


def remove_pin(backend: Backend, args: Args) -> JSON:
    channel, message = _message(backend, args)
    if channel.pins.pop(message.ts, None) is None:
        raise SlackError("no_pin")
    backend.changes.publish(channel)
    return {}


def list_pins(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = backend.channel(args.text("channel"), member=True)
    items = [
        {
            "type": "message",
            "channel": channel.id,
            "created_by": who,
            "message": message_json(channel.messages[ts], backend.workspace),
        }
        for ts, who in channel.pins.items()
    ]
    return {"items": items}


def add_bookmark(backend: Backend, args: Args) -> JSON:
    args.require("channel_id", "title", "type")
    channel = backend.channel(args.text("channel_id"), member=True)
    link = args.text("link")
    if args.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if not re.match(r"https?://\S+$", link):
        raise SlackError("invalid_link")
    if len(channel.bookmarks) >= BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    bookmark = {
        "id": backend.workspace.new_id("Bk"),
        "channel_id": channel.id,
        "title": args.text("title"),
        "link": link,
        "emoji": args.text("emoji"),
        "type": "link",
        "date_created": int(backend.clock()),
    }
    channel.bookmarks.append(bookmark)
    backend.changes.publish(channel)
    return {"bookmark": bookmark}


def list_bookmarks(backend: Backend, args: Args) -> JSON:
    args.require("channel_id")
    return {"bookmarks": list(backend.channel(args.text("channel_id"), member=True).bookmarks)}


def _reaction(backend: Backend, args: Args) -> tuple[Message, str, bool]:
    """The message, the emoji's name, and whether the app has left it there already."""
    args.require("name")
    _, message = _message(backend, args)
    name = args.text("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise SlackError("invalid_name")
    return message, name, backend.bot_id in message.reactions.get(name, ())


def add_reaction(backend: Backend, args: Args) -> JSON:
    message, name, is_there = _reaction(backend, args)
    if is_there:
        raise SlackError("already_reacted")
    backend.timeline.react(message, backend.bot_id, name, add=True)
    return {}


def remove_reaction(backend: Backend, args: Args) -> JSON:
    message, name, is_there = _reaction(backend, args)
    if not is_there:
        raise SlackError("no_reaction")
    backend.timeline.react(message, backend.bot_id, name, add=False)
    return {}


def get_reactions(backend: Backend, args: Args) -> JSON:
    channel, message = _message(backend, args)
    shown = message_json(message, backend.workspace, with_metadata=False)
    return {"type": "message", "channel": channel.id, "message": shown}


METHODS = (
    Method("pins.add", add_pin, "2", ("pins:write",)),
    Method("pins.remove", remove_pin, "2", ("pins:write",)),
    Method("pins.list", list_pins, "2", ("pins:read",)),
    Method("bookmarks.add", add_bookmark, "2", ("bookmarks:write",)),
    Method("bookmarks.list", list_bookmarks, "3", ("bookmarks:read",)),
    Method("reactions.add", add_reaction, "3", ("reactions:write",)),
    Method("reactions.remove", remove_reaction, "2", ("reactions:write",)),
    Method("reactions.get", get_reactions, "3", ("reactions:read",)),
)
