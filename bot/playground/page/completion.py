"""What the composer completes: slash commands, people, groups and channels."""

from __future__ import annotations

from bot.playground.page.names import roles_of
from bot.playground.server import LocalSlack
from bot.playground.workspace import Workspace

Choice = dict[str, str]


def completions(slack: LocalSlack) -> dict[str, list[Choice]]:
    """The choices by the sign that calls for them; each has its name, detail and hint."""
    workspace = slack.workspace
    return {"/": _commands(slack), "@": _names(workspace), "#": _channels(workspace)}


def _commands(slack: LocalSlack) -> list[Choice]:
    known = (slack.backend.commands or {}).values()
    return [
        {"name": each.name, "detail": each.description, "hint": each.usage_hint}
        for each in sorted(known, key=lambda each: each.name)
    ]


def _names(workspace: Workspace) -> list[Choice]:
    people = [each for each in workspace.people.values() if not each.deleted]
    found = [
        {
            "name": f"@{each.name}",
            "detail": each.real_name,
            "hint": "app" if each.is_bot else roles_of(workspace, each),
        }
        for each in sorted(people, key=lambda each: (not each.is_bot, each.name))
    ]
    found += [
        {"name": f"@{each.handle}", "detail": each.name, "hint": "group"}
        for each in workspace.groups.values()
    ]
    found += [{"name": "@here", "detail": "Everyone who is active here", "hint": ""}]
    found += [{"name": "@channel", "detail": "Everyone in this channel", "hint": ""}]
    return found


def _channels(workspace: Workspace) -> list[Choice]:
    return [
        {"name": f"#{each.name}", "detail": each.topic, "hint": ""}
        for each in sorted(workspace.channels.values(), key=lambda each: each.name)
        if each.kind == "public_channel" and not each.archived
    ]
