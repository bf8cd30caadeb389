"""Slack's state and services without any network: what the Web API and the people act on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.playground.changes import Changes
from bot.playground.delivery import Dispatcher
from bot.playground.errors import SlackError
from bot.playground.events import Events
from bot.playground.files import File, Files
from bot.playground.message import Message
from bot.playground.modals import Views
from bot.playground.response_urls import ResponseUrls
from bot.playground.slash_commands import SlashCommand
from bot.playground.timeline import Timeline
from bot.playground.triggers import Triggers
from bot.playground.workspace import Channel, Workspace


class Backend:
    """One workspace with its app installed.

    `base_url` ends in a slash; `clock` gives epoch seconds and may stand still; `commands` are
    the registered slash commands by name, None for any. `keeps_versions` is the Timeline's.
    """

    def __init__(
        self,
        workspace: Workspace,
        dispatcher: Dispatcher,
        changes: Changes,
        *,
        clock: Callable[[], float],
        commands: Mapping[str, SlashCommand] | None,
        subscriptions: Iterable[str] | None,
        should_escape: bool,
        keeps_versions: bool,
    ) -> None:
        self.workspace = workspace
        self.dispatcher = dispatcher
        self.changes = changes
        self.clock = clock
        self.commands = commands
        self.should_escape = should_escape
        self.base_url = ""
        self.events = Events(workspace, subscriptions, clock, dispatcher.publish)
        self.timeline = Timeline(
            workspace, self.events, changes, clock, keeps_versions=keeps_versions
        )
        self.triggers = Triggers(clock)
        self.response_urls = ResponseUrls(workspace, self.timeline, clock)
        self.views = Views(workspace, changes, clock)
        self.files = Files(workspace, clock)

    @property
    def bot_id(self) -> str:
        """The user ID of the app's bot."""
        return self.workspace.app.user_id

    def need_scope(self, *any_of: str) -> None:
        """Raise `missing_scope` unless the bot token has one of these."""
        scopes = self.workspace.app.scopes
        if not scopes & set(any_of):
            raise SlackError.missing_scope(any_of[0], ",".join(sorted(scopes)))

    def channel(self, channel_id: str, *, member: bool = False, active: bool = False) -> Channel:
        """The conversation as the app may see it.

        Raises SlackError: channel_not_found; not_in_channel if it must be a `member`;
        is_archived if the channel must be `active`.
        """
        channel = self.workspace.channels.get(channel_id)
        if channel is None:
            raise SlackError("channel_not_found")
        is_member = self.bot_id in channel.members
        if channel.kind != "public_channel" and not is_member:
            raise SlackError("channel_not_found")
        if active and channel.archived:
            raise SlackError("is_archived")
        if member and not is_member:
            raise SlackError("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: str) -> Message:
        """The current version of a message. Raises SlackError message_not_found."""
        message = channel.messages.get(ts)
        if message is None or message.subtype == "tombstone":
            raise SlackError("message_not_found")
        return message

    def admit(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        """Let a person or the app into a channel and tell of it."""
        channel.members.add(user)
        event = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public_channel" else "G",
            "team": self.workspace.team_id,
            "event_ts": self.workspace.new_ts(self.clock()),
        }
        if inviter:
            event["inviter"] = inviter
        self.events.publish(channel, event)
        self.changes.publish(channel)

    def share(
        self,
        files: Sequence[File],
        channel: Channel,
        thread_ts: str | None,
        text: str,
        *,
        by: str | None = None,
    ) -> Message:
        """Post completed files as a message of the app, or of the person `by`."""
        shown = tuple(self.files.json(file, self.base_url) for file in files)
        message = self.timeline.post(
            channel,
            by or self.bot_id,
            text=text,
            thread_ts=thread_ts,
            files=shown,
            subtype="file_share",
        )
        for file in files:
            file.shares.setdefault(channel.id, []).append(message.ts)
        self.changes.publish(message)
        return message
