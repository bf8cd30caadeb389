"""The payloads of commands and interactions, as Slack shapes them."""

from __future__ import annotations

from bot.playground.backend import Backend
from bot.playground.errors import JSON
from bot.playground.message import Message
from bot.playground.modals import View
from bot.playground.screen import Screen
from bot.playground.shapes import message_json, person_reference
from bot.playground.workspace import Channel, Person

Surface = Message | View


def command_payload(backend: Backend, person: Person, channel: Channel, line: str) -> JSON:
    """A slash command as form fields, all of them strings."""
    command, _, text = line.partition(" ")
    workspace = backend.workspace
    return {
        "token": workspace.app.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text.strip(),
        "api_app_id": workspace.app.id,
        "is_enterprise_install": "false",
        "response_url": backend.base_url + backend.response_urls.new(channel.id, person.id),
        "trigger_id": backend.triggers.new(person.id),
    }


def block_actions(
    backend: Backend, person: Person, surface: Surface, screen: Screen, action: JSON
) -> JSON:
    """A click or a choice in a message or a view."""
    payload = _interaction(backend, "block_actions", person, surface)
    action = {**action, "action_ts": backend.workspace.new_ts(backend.clock())}
    payload |= {"state": {"values": screen.values(surface.blocks)}, "actions": [action]}
    if isinstance(surface, Message):
        path = backend.response_urls.new(surface.channel, person.id, surface)
        payload["response_url"] = backend.base_url + path
    else:
        payload["hash"] = surface.hash
    return payload


def block_suggestion(
    backend: Backend, person: Person, surface: Surface, element: JSON, typed: str
) -> JSON:
    """What was typed into an external select; `element` names its block_id and action_id."""
    payload = _interaction(backend, "block_suggestion", person, surface)
    del payload["trigger_id"]
    return {**payload, **element, "value": typed}


def shortcut(backend: Backend, person: Person, callback_id: str, message: Message | None) -> JSON:
    """A global shortcut, or one on a message."""
    workspace = backend.workspace
    if message is None:
        payload = _shared(backend, "shortcut", person)
        payload["trigger_id"] = backend.triggers.new(person.id)
    else:
        payload = _interaction(backend, "message_action", person, message)
        del payload["container"]
        path = backend.response_urls.new(message.channel, person.id, message)
        payload |= {"message_ts": message.ts, "response_url": backend.base_url + path}
    action_ts = workspace.new_ts(backend.clock())
    return {**payload, "callback_id": callback_id, "action_ts": action_ts}


def view_submission(backend: Backend, view: View) -> JSON:
    """A modal that its person submits."""
    person = backend.workspace.people[view.user]
    payload = _interaction(backend, "view_submission", person, view)
    del payload["container"]
    return {**payload, "response_urls": _response_urls(backend, view)}


def view_closed(backend: Backend, view: View, *, is_cleared: bool) -> JSON:
    """A modal that was closed and wants to be told."""
    person = backend.workspace.people[view.user]
    payload = _interaction(backend, "view_closed", person, view)
    del payload["container"], payload["trigger_id"]
    return {**payload, "is_cleared": is_cleared}


def _interaction(backend: Backend, kind: str, person: Person, surface: Surface) -> JSON:
    """What is known of an interaction in a view or a message."""
    workspace = backend.workspace
    payload = _shared(backend, kind, person)
    view_id = surface.id if isinstance(surface, View) else None
    payload["trigger_id"] = backend.triggers.new(person.id, view_id)
    if isinstance(surface, View):
        payload["container"] = {"type": "view", "view_id": surface.id}
        payload["view"] = backend.views.json(surface)
        return payload
    channel = workspace.channels[surface.channel]
    container: JSON = {
        "type": "message",
        "message_ts": surface.ts,
        "channel_id": channel.id,
        "is_ephemeral": surface.ephemeral_for is not None,
    }
    if surface.thread_ts:
        container["thread_ts"] = surface.thread_ts
    payload["container"] = container
    payload["channel"] = {"id": channel.id, "name": channel.name}
    if not surface.ephemeral_for:
        payload["message"] = message_json(surface, workspace)
    return payload


def _shared(backend: Backend, kind: str, person: Person) -> JSON:
    """What all interactions share."""
    workspace = backend.workspace
    return {
        "type": kind,
        "user": person_reference(person, workspace),
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _response_urls(backend: Backend, view: View) -> list[JSON]:
    """A response_url for each conversation chosen in an input that asked for one."""
    urls = []
    for block in view.blocks:
        element = block.get("element", {})
        if not element.get("response_url_enabled"):
            continue
        entry = view.state[block["block_id"]][element["action_id"]]
        channel_id = entry.get("selected_conversation") or entry.get("selected_channel")
        if channel_id:
            path = backend.response_urls.new(channel_id, view.user)
            urls.append(
                {
                    "block_id": block["block_id"],
                    "action_id": element["action_id"],
                    "channel_id": channel_id,
                    "response_url": backend.base_url + path,
                }
            )
    return urls
