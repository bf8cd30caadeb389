"""users.* and usergroups.*."""

from __future__ import annotations

from bot.playground.api.method import Method
from bot.playground.api.paging import page, page_size
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.shapes import group_json, user_json
from bot.playground.wire import Args
from bot.playground.workspace import Person

LIST_LIMIT = 999
LIMIT_REQUIRED_FROM = 1000  # people; a workspace this large is listed in pages only


def _shown(backend: Backend, person: Person) -> JSON:
    with_email = "users:read.email" in backend.workspace.app.scopes
    return user_json(person, backend.workspace, with_email=with_email)


def info(backend: Backend, args: Args) -> JSON:
    args.require("user")
    person = backend.workspace.people.get(args.text("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": _shown(backend, person)}


def list_people(backend: Backend, args: Args) -> JSON:
    everyone = list(backend.workspace.people.values())
    if "limit" not in args:
        if len(everyone) >= LIMIT_REQUIRED_FROM:
            raise SlackError("limit_required")
        size = LIST_LIMIT
    else:
        size = page_size(args, LIST_LIMIT, LIST_LIMIT)
    shown, metadata = page(everyone, args, size)
    return {"members": [_shown(backend, person) for person in shown], **metadata}


def by_email(backend: Backend, args: Args) -> JSON:
    args.require("email")
    wanted = args.text("email").lower()
    for person in backend.workspace.people.values():
        if person.email and person.email.lower() == wanted:
            return {"user": _shown(backend, person)}
    raise SlackError("users_not_found")


def list_groups(backend: Backend, args: Args) -> JSON:
    users, count = args.flag("include_users"), args.flag("include_count")
    groups = backend.workspace.groups.values()
    return {
        "usergroups": [
            group_json(group, backend.workspace, users=users, count=count) for group in groups
        ]
    }


def group_members(backend: Backend, args: Args) -> JSON:
    args.require("usergroup")
    group = backend.workspace.groups.get(args.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}


METHODS = (
    Method("users.info", info, "4", ("users:read",)),
    Method("users.list", list_people, "2", ("users:read",)),
    Method("users.lookupByEmail", by_email, "3", ("users:read.email",)),
    Method("usergroups.list", list_groups, "2", ("usergroups:read",)),
    Method("usergroups.users.list", group_members, "2", ("usergroups:read",)),
)
