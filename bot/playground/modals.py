"""Views: the stack of modals before each person, the App Homes, and what stands in them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.changes import Changes
from bot.playground.errors import JSON, SlackError
from bot.playground.normal import stored_blocks
from bot.playground.screen import Screen
from bot.playground.validation.views import check_view
from bot.playground.workspace import Workspace

MAX_STACK = 3


@dataclass(eq=False)
class View:
    """A view as it stands on one person's screen; the app's updates change it in place."""

    id: str
    user: str
    definition: JSON
    hash: str
    root_id: str
    previous_id: str | None = None
    screen: Screen = field(default_factory=Screen)

    @property
    def blocks(self) -> list[JSON]:
        blocks: list[JSON] = self.definition["blocks"]
        return blocks

    @property
    def title(self) -> str:
        """The title's text; empty for a home."""
        return str(self.definition.get("title", {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        return str(self.definition.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        return str(self.definition.get("private_metadata", ""))

    @property
    def state(self) -> JSON:
        """state.values: block_id → action_id → what is entered."""
        return self.screen.values(self.blocks)


class Views:
    """Opens, stacks, updates and closes views by the rules of the views.* methods."""

    def __init__(self, workspace: Workspace, changes: Changes, now: Callable[[], float]) -> None:
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self._workspace = workspace
        self._changes = changes
        self._now = now

    def open(self, user: str, definition: JSON) -> View:
        """Show a checked modal on top of whatever modals the person has open.

        Raises SlackError: push_limit_reached, duplicate_external_id.
        """
        return self._stack(user, definition, None)

    def push(self, top: View, definition: JSON) -> View:
        """Show a checked modal above another one. Raises as `open` does."""
        return self._stack(top.user, definition, top)

    def update(self, view: View, definition: JSON, expected_hash: str = "") -> View:
        """Replace a view's definition; entered values stay where block_id and action_id do.

        Raises SlackError: hash_conflict, duplicate_external_id, invalid_arguments.
        """
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        if definition["type"] != view.definition["type"]:
            raise SlackError.invalid_arguments("view type may not be changed")
        self._check_external_id(definition, view)
        view.definition = self._stored(definition)
        view.hash = self._new_hash()
        view.screen.forget_missing(view.blocks)
        self._changes.publish(view)
        return view

    def publish(self, user: str, definition: JSON, expected_hash: str = "") -> View:
        """Set a person's Home. Raises as `update` does."""
        if user in self.homes:
            return self.update(self.homes[user], definition, expected_hash)
        view = self._new(user, definition, None)
        self.homes[user] = view
        self._changes.publish(view)
        return view

    def find(self, view_id: str = "", external_id: str = "") -> View:
        """An open modal or a Home. Raises SlackError not_found."""
        for view in self._all():
            if view_id and view.id == view_id:
                return view
            if external_id and view.definition.get("external_id") == external_id:
                return view
        raise SlackError("not_found")

    def is_open(self, view: View) -> bool:
        """Whether the modal is still on its person's screen."""
        return view in self.stacks.get(view.user, ())

    def top(self, user: str) -> View | None:
        """The modal that a person has in front of them."""
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def close(self, view: View) -> list[View]:
        """Take a view and all above it off the screen; returns them, topmost first."""
        stack = self.stacks[view.user]
        at = stack.index(view)
        closed = stack[at:][::-1]
        del stack[at:]
        self._changes.publish(view)
        return closed

    def json(self, view: View) -> JSON:
        """The view object of answers and payloads."""
        app = self._workspace.app
        return {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "title": None,
            "submit": None,
            "close": None,
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "clear_on_close": False,
            "notify_on_close": False,
            **view.definition,
            "state": {"values": view.state},
            "hash": view.hash,
            "root_view_id": view.root_id,
            "previous_view_id": view.previous_id,
            "app_id": app.id,
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": app.bot_id,
        }

    def _stack(self, user: str, definition: JSON, below: View | None) -> View:
        stack = self.stacks.setdefault(user, [])
        if len(stack) >= MAX_STACK:
            raise SlackError("push_limit_reached")
        view = self._new(user, definition, below)
        stack.append(view)
        self._changes.publish(view)
        return view

    def _new(self, user: str, definition: JSON, below: View | None) -> View:
        self._check_external_id(definition, None)
        view_id = self._workspace.new_id("V")
        return View(
            id=view_id,
            user=user,
            definition=self._stored(definition),
            hash=self._new_hash(),
            root_id=below.root_id if below else view_id,
            previous_id=below.id if below else None,
        )

    def _stored(self, definition: JSON) -> JSON:
        return {
            **definition,
            "blocks": stored_blocks(definition["blocks"], self._workspace.new_id),
        }

    def _check_external_id(self, definition: JSON, itself: View | None) -> None:
        external_id = definition.get("external_id")
        for view in self._all():
            is_same = view.definition.get("external_id") == external_id
            if external_id and is_same and view is not itself:
                raise SlackError("duplicate_external_id")

    def _new_hash(self) -> str:
        return f"{int(self._now())}.{secrets.token_hex(4)}"

    def _all(self) -> list[View]:
        return [view for stack in self.stacks.values() for view in stack] + list(
            self.homes.values()
        )


def checked_view(view: object, *types: str) -> JSON:
    """A view definition that Slack takes, of one of these types. Raises SlackError."""
    check_view(view)
    definition: JSON = dict(view) if isinstance(view, dict) else {}
    if definition.get("type") not in types:
        raise SlackError.invalid_arguments(
            f"unsupported type: {definition.get('type')} [json-pointer:/view/type]"
        )
    return definition
