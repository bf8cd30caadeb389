"""Texts of people and of the configuration, made to fit and made literal."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.slack.blocks import escape, person

_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{6,}")


def one_line(text: str) -> str:
    """The text without line breaks and runs of blanks."""
    return " ".join(text.split())


def clip(text: str, limit: int) -> str:
    """As much of the text as is at most `limit` characters once it is escaped, not yet escaped."""
    if len(escape(text)) <= limit:
        return text
    room, kept = limit - 1, 0
    for character in text:
        room -= len(escape(character))
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def fitted(text: str, limit: int) -> str:
    """One line of mrkdwn that says the text literally, in at most `limit` characters."""
    return escape(clip(one_line(text), limit))


def actor_name(actor: str) -> str:
    """An actor of the event log, in mrkdwn: a person is mentioned by their Slack user ID."""
    kind, _, name = actor.partition(":")
    if kind == "slack":
        return person(name)
    return f"{escape(name)} (terminal)" if kind == "os" else "Opsbell"


def channel_name(channel: str) -> str:
    """A channel of the configuration, given as name or ID, in mrkdwn."""
    if _CHANNEL_ID.fullmatch(channel):
        return f"<#{channel}>"
    return f"#{escape(channel.removeprefix('#'))}"


def mention(member: str, group_id: Callable[[str], str | None]) -> str:
    """A member of the configuration (`U…`, `S…` or `@ops`) as Slack mentions it.

    `group_id` gives the ID of a user group's handle. One that it does not know stands as it is:
    only an ID notifies anyone.
    """
    group = group_id(member) if member.startswith("@") else member
    if group is None:
        return escape(member)
    return f"<!subteam^{group}>" if group.startswith("S") else person(group)
