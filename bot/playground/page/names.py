"""How people, channels and sizes are written on the page."""

from __future__ import annotations

from html import escape
from zlib import crc32

from bot.playground.message import Message
from bot.playground.workspace import Channel, Person, Workspace

_HUES = 8  # colours of avatars, --avatar-0 to --avatar-7 in styles/colours.css


def display_name(workspace: Workspace, user: str) -> str:
    """What a user is called above their messages; the ID where nobody is known by it."""
    person = workspace.people.get(user)
    if person is None:
        return "Slackbot" if user == "USLACKBOT" else user
    return person.real_name or person.name


def author_name(workspace: Workspace, message: Message) -> str:
    """The name above a message, which an app may have chosen for it."""
    return message.username or display_name(workspace, message.user)


def roles_of(workspace: Workspace, person: Person) -> str:
    """The user groups a person is in, such as "@ops", or that there is none."""
    handles = [f"@{each.handle}" for each in workspace.groups.values() if person.id in each.members]
    return ", ".join(handles) or "no group"


def humans(workspace: Workspace) -> list[Person]:
    """The people whom one can act as."""
    return [each for each in workspace.people.values() if not each.is_bot and not each.deleted]


def channel_title(workspace: Workspace, channel: Channel) -> str:
    """The channel as a title: its name, or the app's for direct messages with it."""
    return workspace.bot.real_name if channel.kind == "im" else channel.name


def avatar(name: str, *, is_app: bool = False, classes: str = "") -> str:
    """A picture of coloured initials, as HTML; it says nothing to those who only listen."""
    words = name.split()
    initials = "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words))
    colour = "avatar-app" if is_app else f"avatar-{crc32(name.encode()) % _HUES}"
    label = escape(initials.upper()[:2] or "?")
    return f'<span class="avatar {colour} {classes}" aria-hidden="true">{label}</span>'


def file_size(length: int) -> str:
    """Bytes in the unit that suits them: "812 B", "4.1 kB", "1.2 MB"."""
    size = float(length)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
