"""views.*: opening, stacking, updating and publishing views."""

from __future__ import annotations

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.modals import checked_view
from bot.playground.wire import Args


def _view(args: Args, *types: str) -> JSON:
    args.require("view")
    return checked_view(args.structure("view", "invalid_arguments"), *types)


def open_view(backend: Backend, args: Args) -> JSON:
    definition = _view(args, "modal")
    args.require("trigger_id")
    trigger = backend.triggers.exchange(args.text("trigger_id"))
    return {"view": backend.views.json(backend.views.open(trigger.user, definition))}


def push(backend: Backend, args: Args) -> JSON:
    definition = _view(args, "modal")
    args.require("trigger_id")
    trigger = backend.triggers.exchange(args.text("trigger_id"))
    top = backend.views.top(trigger.user)
    if trigger.view_id is None or top is None:
        raise SlackError("invalid_trigger_id")
    return {"view": backend.views.json(backend.views.push(top, definition))}


def update(backend: Backend, args: Args) -> JSON:
    definition = _view(args, "modal", "home")
    view_id, external_id = args.text("view_id"), args.text("external_id")
    if not view_id and not external_id:
        raise SlackError.invalid_arguments("missing required field: view_id")
    view = backend.views.find(view_id, external_id)
    updated = backend.views.update(view, definition, args.text("hash"))
    return {"view": backend.views.json(updated)}


def publish(backend: Backend, args: Args) -> JSON:
    definition = _view(args, "home")
    args.require("user_id")
    user = args.text("user_id")
    if user not in backend.workspace.people:
        raise SlackError("user_not_found")
    view = backend.views.publish(user, definition, args.text("hash"))
    return {"view": backend.views.json(view)}


METHODS = (
    Method("views.open", open_view, "4"),
    Method("views.push", push, "4"),
    Method("views.update", update, "4"),
    Method("views.publish", publish, "4"),
)
