"""conversations.*: reading channels, their members and what was said in them."""

from __future__ import annotations

from itertools import islice

from bot.playground.api.method import Method
from bot.playground.api.paging import decode_cursor, encode_cursor, page, page_size
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.message import Message, ts_key
from bot.playground.shapes import channel_json, message_json, thread_json
from bot.playground.wire import Args
from bot.playground.workspace import Channel

HISTORY_LIMIT = 999
LIST_LIMIT = 999  # the methods say "under 1000"
_KINDS = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}


def _readable(backend: Backend, args: Args, right: str) -> Channel:
    channel = backend.channel(args.text("channel"))
    backend.need_scope(f"{_KINDS[channel.kind]}:{right}")
    return channel


def _types(backend: Backend, args: Args) -> set[str]:
    types = set(args.names("types") or ["public_channel"])
    if types - set(_KINDS):
        raise SlackError("invalid_types")
    for kind in sorted(types):
        backend.need_scope(f"{_KINDS[kind]}:read")
    return types


def info(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = _readable(backend, args, "read")
    count = args.flag("include_num_members")
    return {"channel": channel_json(channel, backend.workspace, count_members=count)}


def list_channels(backend: Backend, args: Args) -> JSON:
    return _channel_page(backend, args, only_own=False)


def own_channels(backend: Backend, args: Args) -> JSON:
    return _channel_page(backend, args, only_own=True)


def _channel_page(backend: Backend, args: Args, *, only_own: bool) -> JSON:
    types = _types(backend, args)
    size = page_size(args, 100, LIST_LIMIT)
    skip_archived = args.flag("exclude_archived")
    found = [
        channel
        for channel in backend.workspace.channels.values()
        if channel.kind in types
        and not (skip_archived and channel.archived)
        and (
            backend.bot_id in channel.members or (channel.kind == "public_channel" and not only_own)
        )
    ]
    shown, metadata = page(found, args, size)
    channels = [
        channel_json(channel, backend.workspace, count_members=not only_own) for channel in shown
    ]
    return {"channels": channels, **metadata}


def members(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = _readable(backend, args, "read")
    size = page_size(args, 100, LIST_LIMIT)
    shown, metadata = page(sorted(channel.members), args, size)
    return {"members": shown, **metadata}


def _bound(args: Args, name: str) -> int | None:
    if not args.text(name):
        return None
    try:
        return ts_key(args.text(name))
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _range(args: Args) -> tuple[int, int | None]:
    """The asked span as ts keys, both ends outside it."""
    oldest, latest = _bound(args, "oldest"), _bound(args, "latest")
    shift = 1 if args.flag("inclusive") else 0
    after = -1 if oldest is None else oldest - shift
    return after, None if latest is None else latest + shift


def history(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = _readable(backend, args, "history")
    backend.channel(channel.id, member=True)
    size = page_size(args, 100, HISTORY_LIMIT)
    after, before = _range(args)
    cursor = decode_cursor(args)
    # A cursor is the ts key to go on below, so that new messages do not shift the pages.
    before = min(cursor, before or cursor) if cursor else before
    found = list(islice(channel.history(after, before), size + 1))
    has_more = len(found) > size
    shown = found[:size]
    answer: JSON = {
        "messages": [_shown(backend, channel, message, args) for message in shown],
        "has_more": has_more,
        "pin_count": len(channel.pins),
    }
    if has_more:
        next_cursor = encode_cursor(ts_key(shown[-1].ts))
        answer["response_metadata"] = {"next_cursor": next_cursor}
    return answer


def replies(backend: Backend, args: Args) -> JSON:
    args.require("channel", "ts")
    channel = _readable(backend, args, "history")
    backend.channel(channel.id, member=True)
    parent = channel.messages.get(args.text("ts"))
    if parent is None:
        raise SlackError("thread_not_found")
    after, before = _range(args)
    below = [] if parent.is_reply else channel.thread(parent.ts)
    within = [
        reply
        for reply in below
        if ts_key(reply.ts) > after and (before is None or ts_key(reply.ts) < before)
    ]
    size = page_size(args, HISTORY_LIMIT, HISTORY_LIMIT)
    shown, metadata = page([parent, *within], args, size)
    return {
        "messages": [_shown(backend, channel, message, args) for message in shown],
        "has_more": bool(metadata["response_metadata"]["next_cursor"]),
        **metadata,
    }


def _shown(backend: Backend, channel: Channel, message: Message, args: Args) -> JSON:
    with_metadata = args.flag("include_all_metadata")
    shown = message_json(message, backend.workspace, with_metadata=with_metadata)
    return {**shown, **thread_json(channel, message)}


METHODS = (
    Method("conversations.info", info, "3"),
    Method("conversations.list", list_channels, "2"),
    Method("users.conversations", own_channels, "3"),
    Method("conversations.members", members, "4"),
    Method("conversations.history", history, "3"),
    Method("conversations.replies", replies, "3"),
)
