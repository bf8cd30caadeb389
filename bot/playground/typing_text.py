"""What Slack's clients make of typed text: names become mentions, special signs are escaped."""

from __future__ import annotations

import re

from bot.playground.workspace import Workspace

_TOKEN = re.compile(r"<[@#!][^<>]+>|@[\w.-]+|#[a-z0-9_-]+|https?://[^\s<>]+|[&<>]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def as_sent(text: str, workspace: Workspace, *, with_names: bool = False) -> str:
    """Typed text as the app receives it.

    @names, #channels and user groups turn into `<@U…>`, `<#C…>` and `<!subteam^S…>`; with
    `with_names` (how commands get them) the name follows after a bar. Links are put in angle
    brackets. What is already written as `<@U…>` stays.
    """

    def replace(found: re.Match[str]) -> str:
        token = found[0]
        if token in _ESCAPES:
            return _ESCAPES[token]
        if token.startswith("<"):
            return token
        if token.startswith("http"):
            return f"<{token.replace('&', '&amp;')}>"
        return _mention(token, workspace, with_names=with_names) or token

    return _TOKEN.sub(replace, text)


def _mention(token: str, workspace: Workspace, *, with_names: bool) -> str | None:
    name = token[1:]
    suffix = f"|{name}" if with_names else ""
    if token.startswith("#"):
        if not workspace.has_channel_named(name):
            return None
        return f"<#{workspace.find_channel(name).id}|{name if with_names else ''}>"
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    for group in workspace.groups.values():
        if group.handle == name:
            return f"<!subteam^{group.id}|@{name}>"
    try:
        return f"<@{workspace.find_person(name).id}{suffix}>"
    except KeyError:
        return None
