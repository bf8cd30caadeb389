"""Where a tab is: which channel, which thread, the app's Home. Written into the page's URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from bot.playground.people import ActingPerson
from bot.playground.workspace import Channel, Workspace


@dataclass(frozen=True)
class Place:
    """A channel by its ID, in its Home tab or with a thread open by its ts."""

    channel: str
    home: bool = False
    thread: str | None = None

    def with_thread(self, ts: str | None) -> Place:
        """The same channel with this thread beside it, or with none."""
        return replace(self, thread=ts)


def can_see(person: str, channel: Channel) -> bool:
    """Whether the person can look at the channel, as a member or because it is public."""
    return person in channel.members or channel.kind == "public_channel"


def place_in(query: Mapping[str, str], person: ActingPerson, workspace: Workspace) -> Place:
    """The place that a URL names; their first channel where it names none that they can see.

    `channel` is a name or an ID, or `app` (`app-home` for the Home tab); `thread` is a ts.
    """
    named = query.get("channel", "")
    if named in ("app", "app-home"):
        return Place(person.dm.id, home=named == "app-home")
    channel = _channel_named(named, workspace)
    if channel is None or not can_see(person.id, channel):
        return Place(first_channel(person, workspace).id)
    thread = query.get("thread")
    return Place(channel.id, thread=thread if thread in channel.messages else None)


def first_channel(person: ActingPerson, workspace: Workspace) -> Channel:
    """The channel that opens by itself: their first, else their messages with the app."""
    for channel in workspace.channels.values():
        if channel.kind != "im" and person.id in channel.members and not channel.archived:
            return channel
    return person.dm


def link_to(place: Place, person: ActingPerson, workspace: Workspace) -> str:
    """The URL, relative to the page, that opens this place as this person."""
    channel = workspace.channels[place.channel]
    name = channel.name
    if channel.kind == "im":
        name = "app-home" if place.home else "app"
    query = {"as": person.person.name, "channel": name}
    if place.thread:
        query["thread"] = place.thread
    return f"/?{urlencode(query)}"


def _channel_named(name: str, workspace: Workspace) -> Channel | None:
    try:
        channel = workspace.find_channel(name)
    except KeyError:
        return None
    return None if channel.kind == "im" else channel
