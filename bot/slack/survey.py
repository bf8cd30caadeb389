"""What Slack shows of channels, groups and people that a configuration names, odd ones included.

Every function raises what `slack_errors` raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.slack.client import SlackClient, SlackRefused, slack_errors
from bot.slack.people import OUTSIDE

_PAGE = 500


@dataclass(frozen=True)
class ChannelSeen:
    """A channel that Slack shows to Opsbell."""

    id: str
    name: str
    is_member: bool
    is_archived: bool


@dataclass(frozen=True)
class PersonSeen:
    """Someone in users.info; `standing` is why they are no full member here, "" if they are."""

    id: str
    handle: str
    name: str
    standing: str


async def channels(client: SlackClient, *, own: bool) -> list[ChannelSeen]:
    """The channels that Opsbell is in, or all that Slack shows: private ones to members alone."""
    method = "users.conversations" if own else "conversations.list"
    ask = client.users_conversations if own else client.conversations_list
    found: list[ChannelSeen] = []
    with slack_errors(method):
        async for page in await ask(types="public_channel,private_channel", limit=_PAGE):
            found += [_channel(each, own=own) for each in page["channels"]]
    return found


async def channel_with_id(client: SlackClient, channel: str) -> ChannelSeen | None:
    """The channel with this ID, None where Slack shows none."""
    try:
        with slack_errors("conversations.info"):
            answer = await client.conversations_info(channel=channel)
    except SlackRefused as refusal:
        if refusal.code == "channel_not_found":
            return None
        raise
    return _channel(answer["channel"], own=False)


async def group_handles(client: SlackClient) -> dict[str, str]:
    """The user groups: @handle → ID."""
    with slack_errors("usergroups.list"):
        answer = await client.usergroups_list()
    return {f"@{each['handle']}": str(each["id"]) for each in answer["usergroups"]}


async def group_members(client: SlackClient, group: str) -> tuple[str, ...] | None:
    """The user IDs in a group, None where there is no such group."""
    try:
        with slack_errors("usergroups.users.list"):
            answer = await client.usergroups_users_list(usergroup=group)
    except SlackRefused as refusal:
        if refusal.code == "no_such_subteam":
            return None
        raise
    return tuple(answer["users"])


async def person(client: SlackClient, user: str, team: str) -> PersonSeen | None:
    """The person with this ID as seen from a workspace, None where there is none."""
    try:
        with slack_errors("users.info"):
            profile: dict[str, Any] = (await client.users_info(user=user))["user"]
    except SlackRefused as refusal:
        if refusal.code in ("user_not_found", "user_not_visible"):
            return None
        raise
    standing = next((says for flag, says in OUTSIDE.items() if profile.get(flag)), "")
    if not standing and profile.get("team_id") != team:
        standing = OUTSIDE["is_stranger"]
    handle = str(profile.get("name") or "")
    return PersonSeen(str(profile["id"]), handle, full_name(profile), standing)


def full_name(member: Mapping[str, Any]) -> str:
    """What people call a member of users.info or users.list; the handle where there is no more."""
    profile = member.get("profile") or {}
    return str(profile.get("real_name") or member.get("real_name") or member.get("name") or "")


def _channel(found: Mapping[str, Any], *, own: bool) -> ChannelSeen:
    # users.conversations lists memberships, and does not say so of each.
    is_member = own or bool(found.get("is_member"))
    name = str(found.get("name", ""))
    return ChannelSeen(str(found["id"]), name, is_member, bool(found.get("is_archived")))
