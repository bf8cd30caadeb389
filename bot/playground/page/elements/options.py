"""What a menu offers: the app's options, or the workspace's people and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.playground.errors import JSON
from bot.playground.page.elements.spot import Spot
from bot.playground.workspace import Channel

_KINDS = {"public": "public_channel", "private": "private_channel", "im": "im"}


@dataclass(frozen=True)
class Option:
    """Something that can be chosen: its words, and the value that state.values has for it."""

    words: str
    value: Any
    description: str = ""

    def is_chosen(self, value: Any) -> bool:
        """Whether `value`, as a screen holds it, is this option."""
        if isinstance(self.value, dict) and isinstance(value, dict):
            return bool(self.value["value"] == value["value"])
        return bool(self.value == value)


@dataclass(frozen=True)
class Group:
    """Options under one label, which may be empty."""

    label: str
    options: list[Option]


def groups_of(spot: Spot) -> list[Group]:
    """Everything that a static, users, conversations or channels select offers."""
    kind = spot.element["type"].removeprefix("multi_")
    if kind == "static_select":
        return app_groups(spot.element.get("option_groups") or [spot.element])
    if kind == "users_select":
        people = [each for each in spot.workspace.people.values() if not each.deleted]
        return [Group("", [Option(each.real_name, each.id, f"@{each.name}") for each in people])]
    return [Group("", [option_of_channel(each) for each in _channels(spot, kind)])]


def app_groups(groups: list[JSON]) -> list[Group]:
    """Option groups as the app gave them."""
    return [
        Group(
            group.get("label", {}).get("text", ""),
            [app_option(option) for option in group["options"]],
        )
        for group in groups
    ]


def app_option(option: JSON) -> Option:
    """An option as the app gave it."""
    description = option.get("description", {}).get("text", "")
    return Option(option["text"]["text"], option, description)


def option_of_channel(channel: Channel) -> Option:
    """A conversation to choose."""
    return Option("Direct message" if channel.kind == "im" else f"#{channel.name}", channel.id)


def words_of(spot: Spot, value: Any) -> str:
    """What one chosen value of a menu reads."""
    if isinstance(value, dict):
        return str(value["text"]["text"])
    if "users_select" in spot.element["type"]:
        person = spot.workspace.people.get(value)
        return person.real_name if person else str(value)
    channel = spot.workspace.channels.get(value)
    return option_of_channel(channel).words if channel else str(value)


def _channels(spot: Spot, kind: str) -> list[Channel]:
    """The conversations that this person may choose here."""
    kinds = {"public_channel"}
    if kind == "conversations_select":
        wanted = spot.element.get("filter", {}).get("include", list(_KINDS))
        kinds = {_KINDS[each] for each in wanted if each in _KINDS}
    return [
        channel
        for channel in spot.workspace.channels.values()
        if channel.kind in kinds
        and not channel.archived
        and (channel.kind == "public_channel" or spot.tab.person.id in channel.members)
    ]
