"""The Slack app that Opsbell is installed as: its commands, events and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from bot.slack.present import with_prefix
from bot.slack.surface import Command

# Every bot scope and what it is for; nothing asks for one that does not stand here.
SCOPES: Mapping[str, str] = {
    "app_mentions:read": "commands as mentions, which is how they are given in threads",
    "channels:history": "finds a message of its own again after a crash while posting it",
    "channels:read": "from a channel's name to its ID",
    "channels:write.topic": "says in the channel's topic that a target is in maintenance",
    "chat:write": "posts and keeps its messages current",
    "commands": "the slash commands",
    "files:read": "sees when a file that it uploaded is shown",
    "files:write": "charts and long texts",
    "groups:history": "as channels:history, in private channels",
    "groups:read": "as channels:read, for private channels",
    "groups:write": "as channels:write.topic, in private channels",
    "im:history": "commands written to Opsbell directly",
    "im:write": "a file for one person goes into their direct messages",
    "usergroups:read": "roles that are given to user groups",
    "users:read": "who is a full member of the workspace",
}

# Every event and what it is for; `bot.slack.inbound` reads them.
EVENTS: Mapping[str, str] = {
    "app_home_opened": "shows App Home",
    "app_mention": "commands as mentions",
    "message.im": "commands written to Opsbell directly",
}

EVENTS_PATH = "/slack/events"
_LONGEST_HINT = 1000
_HEADING = """\
# The Slack app for Opsbell. At https://api.slack.com/apps: Create New App, From a manifest,
# choose the workspace, paste this.
"""
_NEXT = """\
# Once the app is made, in its settings:
# 1. Install App, Install to Workspace. The Bot User OAuth Token (xoxb-…) is SLACK_BOT_TOKEN.
# 2. {second}
# 3. In Slack, in the channel where Opsbell is to work: /invite @opsbell
# Opsbell takes both from its environment, or from files that SLACK_BOT_TOKEN_FILE and
# {variable}_FILE name; compose.yaml names those in secrets/.
# Next: opsbell init
"""
_OVER_SOCKET = """\
Basic Information, App-Level Tokens, Generate Token and Scopes, scope connections:write. This
#    token (xapp-…) is SLACK_APP_TOKEN."""
_OVER_HTTP = "Basic Information, App Credentials. The Signing Secret is SLACK_SIGNING_SECRET."


def manifest(commands: Iterable[Command], *, prefix: str = "", address: str = "") -> dict[str, Any]:
    """The manifest of the app with these commands, each with the prefix before its name.

    For Socket Mode; or for HTTP, with the `address` (https://…) under which Slack reaches
    Opsbell's HTTP server.
    """
    url = f"{address.rstrip('/')}{EVENTS_PATH}" if address else ""
    request_url = {"request_url": url} if url else {}
    return {
        "display_information": {
            "name": "Opsbell",
            "description": "Checklists, backups and the other operations of your web application",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "opsbell", "always_online": True},
            "slash_commands": [_slash_command(each, prefix, url) for each in commands],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request_url, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request_url},
            "socket_mode_enabled": not url,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def as_yaml(app: Mapping[str, Any]) -> str:
    """A manifest as YAML to paste, with what each scope and event is for beside it, and below it
    what to do once the app is made."""
    plain = yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=1000)
    lines = "".join(f"{_explained(line)}\n" for line in plain.splitlines())
    if app["settings"]["socket_mode_enabled"]:
        second, variable = _OVER_SOCKET, "SLACK_APP_TOKEN"
    else:
        second, variable = _OVER_HTTP, "SLACK_SIGNING_SECRET"
    return _HEADING + lines + _NEXT.format(second=second, variable=variable)


def _slash_command(command: Command, prefix: str, url: str) -> dict[str, Any]:
    slash = f"/{prefix}{command.name}"
    forms = (with_prefix(usage.form, prefix) for usage in command.usages)
    hint = " | ".join(form.removeprefix(slash).strip() for form in forms)
    return {
        "command": slash,
        **({"url": url} if url else {}),
        "description": command.summary,
        "usage_hint": hint[:_LONGEST_HINT],
        "should_escape": True,
    }


def _explained(line: str) -> str:
    entry = line.strip().removeprefix("- ")
    reason = SCOPES.get(entry) or EVENTS.get(entry)
    return f"{line:<29} # {reason}" if reason else line
