"""The workspace: its people, groups, channels and the app, with look-ups that stay O(1)."""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.playground.errors import JSON
from bot.playground.message import Message, ts_key

# What an app like this asks for. Not here: chat:write.public and chat:write.customize, so
# that posting without being a member, or under another name, is refused as for most apps.
BOT_SCOPES = [
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "channels:write.invites",
    "channels:write.topic",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
]


@dataclass
class Person:
    """A member of the workspace. `id` is a Slack user ID; `name` is the @handle. `team` is the ID
    of another workspace where the person is from there and only met in shared channels."""

    id: str
    name: str
    real_name: str
    email: str = ""
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    deleted: bool = False
    is_guest: bool = False
    team: str = ""


@dataclass
class UserGroup:
    """A user group: `id` starts with S, `handle` has no @."""

    id: str
    handle: str
    name: str
    members: list[str] = field(default_factory=list)


@dataclass
class App:
    """An app: its identity, tokens and granted scopes, the bot's and the app-level token's.

    `dead_tokens` are tokens that Slack takes no more, each with the error code it says so by:
    token_revoked, account_inactive, token_expired.
    """

    id: str = "A0APP00001"
    bot_id: str = "B0BOT00001"
    user_id: str = "U0BOT00001"
    bot_token: str = "xoxb-local-bot"  # noqa: S105 - it opens nothing but this stand-in
    app_token: str = "xapp-local-app"  # noqa: S105 - nor does this
    signing_secret: str = "local-signing-secret"  # noqa: S105
    verification_token: str = "local-verification"  # noqa: S105
    scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    socket_mode: bool = True
    dead_tokens: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Channel:
    """A conversation and everything said in it. `kind` is public_channel, private_channel or im."""

    id: str
    name: str
    kind: str = "public_channel"
    members: set[str] = field(default_factory=set)
    creator: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    topic: str = ""
    purpose: str = ""
    archived: bool = False
    is_general: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, list[str]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    bookmarks: list[JSON] = field(default_factory=list)
    _order: list[int] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Put a new message where it belongs. Messages arrive in the order of their ts."""
        self.messages[message.ts] = message
        if message.is_reply and message.thread_ts is not None:
            self.replies.setdefault(message.thread_ts, []).append(message.ts)
        if not message.is_reply or message.subtype == "thread_broadcast":
            self._order.append(ts_key(message.ts))

    def remove(self, message: Message) -> None:
        """Forget a message; a parent that has replies is not removed but replaced."""
        del self.messages[message.ts]
        if message.is_reply and message.thread_ts is not None:
            self.replies[message.thread_ts].remove(message.ts)
        key = ts_key(message.ts)
        at = bisect.bisect_left(self._order, key)
        if at < len(self._order) and self._order[at] == key:
            del self._order[at]
        self.pins.pop(message.ts, None)

    def thread(self, ts: str) -> list[Message]:
        """The replies below a message, oldest first."""
        return [self.messages[reply] for reply in self.replies.get(ts, ())]

    def history(self, after: int = -1, before: int | None = None) -> Iterator[Message]:
        """Top-level messages with `after` < ts key < `before`, newest first."""
        end = len(self._order) if before is None else bisect.bisect_left(self._order, before)
        start = bisect.bisect_right(self._order, after)
        for at in range(end - 1, start - 1, -1):
            micros = self._order[at]
            yield self.messages[f"{micros // 1_000_000}.{micros % 1_000_000:06d}"]


class Workspace:
    """One team with one app installed; `other_apps` are its maker's other ones.

    Look-ups take IDs; `find_channel` and `find_person` also take names.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        groups: Iterable[UserGroup] = (),
        channels: Iterable[Channel] = (),
        *,
        app: App | None = None,
        other_apps: Iterable[App] = (),
        app_name: str = "app",
        team_id: str = "T0TEAM0001",
        name: str = "Sample",
        domain: str = "sample",
    ) -> None:
        self.team_id, self.name, self.domain = team_id, name, domain
        self.app = app or App()
        self.other_apps = list(other_apps)
        bot = Person(self.app.user_id, app_name, app_name.capitalize(), is_bot=True)
        self.people = {person.id: person for person in [*people, bot]}
        self.groups = {group.id: group for group in groups}
        self.channels = {channel.id: channel for channel in channels}
        self.ephemerals: dict[str, dict[str, Message]] = {}
        self._ids = itertools.count(1)
        self._by_name = {channel.name: channel.id for channel in self.channels.values()}
        self._direct: dict[str, str] = {}
        self._last_ts = 0

    @classmethod
    def sample(cls, app_name: str = "opsbell") -> Workspace:
        """A small team: four people in two groups, one in none, and five channels."""
        people = [
            Person("U0ALICE001", "alice", "Alice Adams", "alice@sample.example"),
            Person("U0BOB00001", "bob", "Bob Brown", "bob@sample.example"),
            Person("U0CAROL001", "carol", "Carol Clark", "carol@sample.example"),
            Person("U0DAN00001", "dan", "Dan Davis", "dan@sample.example"),
            Person("U0EVE00001", "eve", "Eve Evans", "eve@sample.example"),
        ]
        groups = [
            UserGroup("S0OPS00001", "ops", "Operators", ["U0ALICE001", "U0BOB00001"]),
            UserGroup("S0ADMINS01", "admins", "Admins", ["U0CAROL001", "U0DAN00001"]),
        ]
        everyone = {person.id for person in people}
        app = App()
        names = {"ops": "C0OPS00001", "alerts": "C0ALERTS01", "incidents": "C0INCID001"}
        names |= {"support": "C0SUPPORT1", "general": "C0GENERAL1"}
        channels = [
            Channel(id_, name, members=set(everyone), creator="U0ALICE001")
            for name, id_ in names.items()
        ]
        for channel in channels:
            if channel.name == "general":
                channel.is_general = True
            else:
                channel.members.add(app.user_id)
        return cls(people, groups, channels, app=app, app_name=app_name)

    @property
    def bot(self) -> Person:
        """The app's bot user."""
        return self.people[self.app.user_id]

    def new_id(self, prefix: str) -> str:
        """A fresh ID such as C0000000012."""
        return f"{prefix}{next(self._ids):010d}"

    def new_ts(self, now: float) -> str:
        """A ts for `now` (epoch seconds), later than every ts given before."""
        self._last_ts = max(int(now * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def find_channel(self, reference: str | Channel) -> Channel:
        """The channel with this ID or name (a leading # is fine). Raises KeyError."""
        if isinstance(reference, Channel):
            return reference
        if reference in self.channels:
            return self.channels[reference]
        return self.channels[self._by_name[reference.removeprefix("#")]]

    def find_person(self, reference: str) -> Person:
        """The person with this ID or handle (a leading @ is fine). Raises KeyError."""
        if reference in self.people:
            return self.people[reference]
        handle = reference.removeprefix("@")
        for person in self.people.values():
            if person.name == handle:
                return person
        raise KeyError(reference)

    def has_channel_named(self, name: str) -> bool:
        """Whether the name is taken (an archived channel keeps its name)."""
        return name in self._by_name

    def add_channel(self, channel: Channel) -> None:
        """Make the channel part of the workspace."""
        self.channels[channel.id] = channel
        if channel.kind != "im":
            self._by_name[channel.name] = channel.id

    def rename_channel(self, channel: Channel, name: str) -> None:
        """Give the channel another name, which must be free."""
        del self._by_name[channel.name]
        channel.name = name
        self._by_name[name] = channel.id

    def direct_channel(self, user_id: str) -> Channel:
        """The direct conversation between a person and the app, opened on first use."""
        if user_id not in self._direct:
            members = {user_id, self.app.user_id}
            channel = Channel(self.new_id("D"), "directmessage", "im", members, user_id)
            self.add_channel(channel)
            self._direct[user_id] = channel.id
        return self.channels[self._direct[user_id]]

    def take_back(self, channel: Channel) -> None:
        """Make a channel of an earlier run part of the workspace, in the place of its own."""
        self.add_channel(channel)
        if channel.kind == "im":
            self._direct[channel.creator] = channel.id

    def continue_ids(self, last: int) -> None:
        """Let the next fresh ID bear a number above `last`."""
        self._ids = itertools.count(last + 1)

    def ephemerals_of(self, user_id: str) -> dict[str, Message]:
        """The ephemeral messages on a person's screen, by ts."""
        return self.ephemerals.setdefault(user_id, {})
