"""Who the token is, and the way into Socket Mode."""

from __future__ import annotations

import secrets

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.shapes import user_json
from bot.playground.validation.messages import message_problems
from bot.playground.validation.schema import Problems
from bot.playground.validation.views import view_problems
from bot.playground.wire import Args


def api_test(_backend: Backend, args: Args) -> JSON:
    if error := args.text("error"):
        raise SlackError(error)
    return {"args": {key: value for key, value in args.values.items() if key != "token"}}


def auth_test(backend: Backend, _args: Args) -> JSON:
    workspace = backend.workspace
    return {
        "url": backend.base_url,
        "team": workspace.name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": backend.bot_id,
        "bot_id": workspace.app.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(backend: Backend, args: Args) -> JSON:
    """A URL for one more socket. Tickets are never refused later, not even by another server.

    The token says which app it is for.
    """
    workspace = backend.workspace
    [app] = [
        each
        for each in (workspace.app, *workspace.other_apps)
        if each.app_token == args.text("token")
    ]
    if "connections:write" not in app.app_scopes:
        raise SlackError.missing_scope("connections:write", ",".join(sorted(app.app_scopes)))
    base = backend.base_url.replace("http://", "ws://", 1)
    ticket = secrets.token_urlsafe(16)
    return {"url": f"{base}link/?ticket={ticket}&app_id={app.id}"}


def team_info(backend: Backend, _args: Args) -> JSON:
    workspace = backend.workspace
    team = {"id": workspace.team_id, "name": workspace.name, "domain": workspace.domain}
    return {"team": {**team, "email_domain": "", "url": backend.base_url}}


def bot_info(backend: Backend, args: Args) -> JSON:
    app = backend.workspace.app
    if args.text("bot", app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    bot = user_json(backend.workspace.bot, backend.workspace, with_email=False)
    shown = {"id": app.bot_id, "app_id": app.id, "user_id": app.user_id, "name": bot["name"]}
    return {"bot": {**shown, "deleted": False, "updated": 0, "icons": {}}}


def add_reminder(_backend: Backend, _args: Args) -> JSON:
    """Takes user tokens alone, and there are none here."""
    raise SlackError("not_allowed_token_type")


def validate_blocks(_backend: Backend, args: Args) -> JSON:
    """Check blocks, a message or a view without a token; errors are objects."""
    problems: Problems = []
    if "view" in args:
        problems = view_problems(args.structure("view", "invalid_arguments"))
    else:
        blocks = args.structure("blocks", "invalid_blocks_format")
        if "message" in args:
            message = args.structure("message", "invalid_arguments")
            blocks = message.get("blocks") if isinstance(message, dict) else None
        problems = message_problems(blocks if blocks is not None else [])
    if problems:
        errors = [
            {
                "code": problem.code,
                "message": problem.message,
                "field": problem.pointer.rpartition("/")[2],
                "pointer": problem.pointer,
                "constraint": problem.constraint,
            }
            for problem in problems
        ]
        raise SlackError("invalid_blocks", errors=errors)
    return {}


METHODS = (
    Method("api.test", api_test, "4", caller="anyone"),
    Method("auth.test", auth_test, "auth"),
    Method("apps.connections.open", open_connection, "3", caller="app"),
    Method("team.info", team_info, "3", ("team:read",)),
    Method("bots.info", bot_info, "3", ("users:read",)),
    Method("reminders.add", add_reminder, "2"),
    Method("blocks.validate", validate_blocks, "4", caller="anyone"),
)
