"""Everything that happens to messages: posted, edited, deleted, reacted to, seen by one person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.playground.changes import Changes
from bot.playground.errors import JSON
from bot.playground.events import Events
from bot.playground.message import Message
from bot.playground.normal import stored_blocks
from bot.playground.shapes import channel_type, message_json
from bot.playground.workspace import Channel, Workspace


class Timeline:
    """Changes messages and tells of it, by event to the app and by `changes` to who waits.

    With `keeps_versions` a message remembers every version before it, else the last one alone.
    """

    def __init__(
        self,
        workspace: Workspace,
        events: Events,
        changes: Changes,
        clock: Callable[[], float],
        *,
        keeps_versions: bool,
    ) -> None:
        self._workspace = workspace
        self._events = events
        self._changes = changes
        self._clock = clock
        self._keeps_versions = keeps_versions

    def post(self, channel: Channel, user: str, **content: Any) -> Message:
        """Add a message; `content` are Message's own fields. A post of the app bears its bot_id."""
        message = self._new(channel, user, content)
        channel.add(message)
        self._tell(channel, message_json(message, self._workspace, with_metadata=False), message)
        return message

    def edit(self, message: Message, **changes: Any) -> Message:
        """Store the next version of a message."""
        if "blocks" in changes:
            changes["blocks"] = stored_blocks(changes["blocks"], self._workspace.new_id)
        channel = self._workspace.channels[message.channel]
        version = self._next(message, changes)
        channel.messages[message.ts] = version
        self._tell(
            channel,
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": message_json(version, self._workspace, with_metadata=False),
                "previous_message": message_json(message, self._workspace, with_metadata=False),
                "ts": self._workspace.new_ts(self._clock()),
            },
            version,
        )
        return version

    def delete(self, message: Message) -> None:
        """Remove a message; a parent with replies stays as a tombstone, as in Slack."""
        channel = self._workspace.channels[message.channel]
        if channel.replies.get(message.ts):
            stone = Message(message.channel, message.ts, "USLACKBOT", subtype="tombstone")
            channel.messages[message.ts] = replace(stone, thread_ts=message.ts)
        else:
            channel.remove(message)
        self._tell(
            channel,
            {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "deleted_ts": message.ts,
                "previous_message": message_json(message, self._workspace, with_metadata=False),
                "ts": self._workspace.new_ts(self._clock()),
            },
            message,
        )

    def react(self, message: Message, user: str, name: str, *, add: bool) -> Message:
        """Add or take away a person's reaction, which must not or must be there."""
        users = message.reactions.get(name, ())
        users = (*users, user) if add else tuple(other for other in users if other != user)
        reactions = {**message.reactions, name: users}
        version = replace(message, reactions={key: who for key, who in reactions.items() if who})
        self._workspace.channels[message.channel].messages[message.ts] = version
        self._events.publish(
            self._workspace.channels[message.channel],
            {
                "type": "reaction_added" if add else "reaction_removed",
                "user": user,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": message.channel, "ts": message.ts},
                "event_ts": self._workspace.new_ts(self._clock()),
            },
        )
        self._changes.publish(version)
        return version

    def whisper(self, channel: Channel, user: str, to: str, **content: Any) -> Message:
        """Show a message to one person alone."""
        message = self._new(channel, user, {**content, "ephemeral_for": to})
        self._workspace.ephemerals_of(to)[message.ts] = message
        self._changes.publish(message)
        return message

    def edit_whisper(self, message: Message, **changes: Any) -> Message:
        """Store the next version of an ephemeral message."""
        if "blocks" in changes:
            changes["blocks"] = stored_blocks(changes["blocks"], self._workspace.new_id)
        version = self._next(message, changes)
        self._workspace.ephemerals_of(str(message.ephemeral_for))[message.ts] = version
        self._changes.publish(version)
        return version

    def delete_whisper(self, message: Message) -> None:
        """Take an ephemeral message off the person's screen."""
        del self._workspace.ephemerals_of(str(message.ephemeral_for))[message.ts]
        self._changes.publish(message)

    def _next(self, message: Message, changes: JSON) -> Message:
        before = message if self._keeps_versions else replace(message, previous=None)
        return before.next_version(**changes)

    def _new(self, channel: Channel, user: str, content: JSON) -> Message:
        content["blocks"] = stored_blocks(content.get("blocks") or [], self._workspace.new_id)
        app = self._workspace.app
        if user == app.user_id:
            content["bot_id"] = app.bot_id
        ts = self._workspace.new_ts(self._clock())
        return Message(channel.id, ts, user, **content)

    def _tell(self, channel: Channel, event: JSON, changed: Message) -> None:
        event = {
            **event,
            "channel": channel.id,
            "event_ts": event["ts"],
            "channel_type": channel_type(channel),
        }
        self._events.publish(channel, event)
        self._changes.publish(changed)
