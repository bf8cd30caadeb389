"""How Slack writes people, channels and messages as JSON."""

from __future__ import annotations

from bot.playground.errors import JSON
from bot.playground.message import Message
from bot.playground.workspace import Channel, Person, UserGroup, Workspace


def user_json(person: Person, workspace: Workspace, *, with_email: bool) -> JSON:
    """A user object as `users.info` gives it."""
    profile = {
        "real_name": person.real_name,
        "display_name": person.name,
        "team": person.team or workspace.team_id,
    }
    if with_email and person.email:
        profile["email"] = person.email
    return {
        "id": person.id,
        "team_id": person.team or workspace.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "tz": person.tz,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
        "is_stranger": bool(person.team),
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def channel_json(channel: Channel, workspace: Workspace, *, count_members: bool = False) -> JSON:
    """A conversation object as the conversations.* methods give it."""
    shared = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
    }
    if channel.kind == "im":
        person = next(iter(channel.members - {workspace.app.user_id}))
        return {**shared, "user": person, "is_user_deleted": False, "priority": 0}
    topic = {"value": channel.topic, "creator": channel.creator, "last_set": channel.created}
    full = {
        **shared,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.kind == "private_channel",
        "is_general": channel.is_general,
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": workspace.app.user_id in channel.members,
        "creator": channel.creator,
        "topic": topic,
        "purpose": {**topic, "value": channel.purpose},
        "previous_names": [],
    }
    if count_members:
        full["num_members"] = len(channel.members)
    return full


def group_json(group: UserGroup, workspace: Workspace, *, users: bool, count: bool) -> JSON:
    """A user group object as `usergroups.list` gives it."""
    full: JSON = {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_delete": 0,
    }
    if users:
        full["users"] = list(group.members)
    if count:
        full["user_count"] = len(group.members)
    return full


def message_json(message: Message, workspace: Workspace, *, with_metadata: bool = True) -> JSON:
    """A message as it stands in answers, events and payloads."""
    full: JSON = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": workspace.team_id,
    }
    if message.bot_id:
        app = workspace.app
        full |= {"bot_id": message.bot_id, "app_id": app.id}
        full["bot_profile"] = {
            "id": app.bot_id,
            "app_id": app.id,
            "user_id": app.user_id,
            "name": workspace.bot.name,
            "deleted": False,
            "team_id": workspace.team_id,
        }
    optional: JSON = {
        "subtype": message.subtype,
        "username": message.username,
        "thread_ts": message.thread_ts,
        "edited": message.edited,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": list(message.files),
        "reactions": reactions_json(message),
    }
    full |= {key: value for key, value in optional.items() if value}
    if with_metadata and message.metadata:
        full["metadata"] = message.metadata
    return full


def reactions_json(message: Message) -> list[JSON]:
    """The reactions on a message, each with who left it."""
    return [
        {"name": name, "users": list(users), "count": len(users)}
        for name, users in message.reactions.items()
    ]


def thread_json(channel: Channel, message: Message) -> JSON:
    """What a parent tells about its thread; empty for a message without replies."""
    replies = channel.replies.get(message.ts)
    if not replies or message.is_reply:
        return {}
    people = list(dict.fromkeys(reply.user for reply in channel.thread(message.ts)))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(people),
        "reply_users": people,
        "latest_reply": replies[-1],
        "is_locked": False,
        "subscribed": False,
    }


def channel_type(channel: Channel) -> str:
    """How message events call the kind of a conversation."""
    return {"public_channel": "channel", "private_channel": "group", "im": "im"}[channel.kind]


def person_reference(person: Person, workspace: Workspace) -> JSON:
    """The short user object in interaction payloads."""
    name = {"username": person.name, "name": person.name}
    return {"id": person.id, **name, "team_id": workspace.team_id}
