"""conversations.*: making and changing channels."""

from __future__ import annotations

import re

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.shapes import channel_json
from bot.playground.wire import Args
from bot.playground.workspace import Channel

NAME_LENGTH = 80
TOPIC_LENGTH = 250
INVITES = 100


def _checked_name(backend: Backend, name: str) -> str:
    """A channel name that Slack takes. Raises SlackError: invalid_name_*, name_taken."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > NAME_LENGTH:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if not re.search(r"[a-z0-9]", name):
        raise SlackError("invalid_name_punctuation")
    if backend.workspace.has_channel_named(name):
        raise SlackError("name_taken")
    return name


def _need(backend: Backend, channel: Channel, *scopes: str) -> None:
    """The scope to change a channel: one of `scopes` in public, groups:write in private ones."""
    public = channel.kind == "public_channel"
    backend.need_scope(*(scopes or ("channels:manage",)) if public else ("groups:write",))


def create(backend: Backend, args: Args) -> JSON:
    is_private = args.flag("is_private")
    backend.need_scope("groups:write" if is_private else "channels:manage")
    name = _checked_name(backend, args.text("name"))
    workspace = backend.workspace
    channel = Channel(
        workspace.new_id("C"),
        name,
        kind="private_channel" if is_private else "public_channel",
        members={backend.bot_id},
        creator=backend.bot_id,
        created=int(backend.clock()),
    )
    workspace.add_channel(channel)
    backend.changes.publish(channel)
    return {"channel": channel_json(channel, workspace)}


def invite(backend: Backend, args: Args) -> JSON:
    args.require("channel", "users")
    channel = backend.channel(args.text("channel"), member=True, active=True)
    _need(backend, channel, "channels:manage", "channels:write.invites")
    users = args.names("users")
    if len(users) > INVITES:
        raise SlackError.invalid_arguments(f"no more than {INVITES} items allowed")
    errors = [
        {"user": user, "ok": False, "error": error}
        for user in users
        if (error := _invite_error(backend, channel, user))
    ]
    refused = {error["user"] for error in errors}
    welcome = [user for user in users if user not in refused]
    if errors and not (args.flag("force") and welcome):
        raise SlackError(str(errors[0]["error"]), errors=errors)
    for user in welcome:
        backend.admit(channel, user, inviter=backend.bot_id)
    answer: JSON = {"channel": channel_json(channel, backend.workspace)}
    return {**answer, "errors": errors} if errors else answer


def _invite_error(backend: Backend, channel: Channel, user: str) -> str | None:
    if user == backend.bot_id:
        return "cant_invite_self"
    if user not in backend.workspace.people:
        return "user_not_found"
    return "already_in_channel" if user in channel.members else None


def _describe(backend: Backend, args: Args, field: str) -> Channel:
    args.require("channel")
    channel = backend.channel(args.text("channel"), member=True, active=True)
    _need(backend, channel, "channels:manage", "channels:write.topic")
    value = args.text(field)
    if len(value) > TOPIC_LENGTH:
        raise SlackError("too_long")
    setattr(channel, field, value)
    backend.timeline.post(
        channel,
        backend.bot_id,
        text=f"set the channel {field}: {value}",
        subtype=f"channel_{field}",
    )
    return channel


def set_topic(backend: Backend, args: Args) -> JSON:
    return {"channel": channel_json(_describe(backend, args, "topic"), backend.workspace)}


def set_purpose(backend: Backend, args: Args) -> JSON:
    return {"purpose": _describe(backend, args, "purpose").purpose}


def archive(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = backend.channel(args.text("channel"))
    _need(backend, channel)
    if channel.is_general:
        raise SlackError("cant_archive_general")
    if channel.archived:
        raise SlackError("already_archived")
    backend.channel(channel.id, member=True)
    channel.archived = True
    backend.changes.publish(channel)
    return {}


def rename(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = backend.channel(args.text("channel"), member=True, active=True)
    _need(backend, channel)
    backend.workspace.rename_channel(channel, _checked_name(backend, args.text("name")))
    backend.changes.publish(channel)
    return {"channel": channel_json(channel, backend.workspace)}


def join(backend: Backend, args: Args) -> JSON:
    args.require("channel")
    channel = backend.channel(args.text("channel"), active=True)
    if channel.kind != "public_channel":
        raise SlackError("method_not_supported_for_channel_type")
    if backend.bot_id in channel.members:
        warning = "already_in_channel"
        metadata = {"warnings": [warning]}
        shown = channel_json(channel, backend.workspace)
        return {"channel": shown, "warning": warning, "response_metadata": metadata}
    backend.admit(channel, backend.bot_id)
    return {"channel": channel_json(channel, backend.workspace)}


def open_direct(backend: Backend, args: Args) -> JSON:
    users = args.names("users")
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        backend.need_scope("mpim:write")
        raise SlackError("method_not_supported_for_channel_type")
    if users[0] not in backend.workspace.people or users[0] == backend.bot_id:
        raise SlackError("user_not_found")
    channel = backend.workspace.direct_channel(users[0])
    if args.flag("return_im"):
        return {"channel": channel_json(channel, backend.workspace)}
    return {"channel": {"id": channel.id}}


METHODS = (
    Method("conversations.create", create, "2"),
    Method("conversations.invite", invite, "3"),
    Method("conversations.setTopic", set_topic, "2"),
    Method("conversations.setPurpose", set_purpose, "2"),
    Method("conversations.archive", archive, "2"),
    Method("conversations.rename", rename, "2"),
    Method("conversations.join", join, "3", ("channels:join",)),
    Method("conversations.open", open_direct, "3", ("im:write",)),
)
