"""Tables of the younger blocks: alerts, cards, containers, plans.

Where Slack's sources disagree the stricter one holds: alerts stand in modals only, and cards
carry at most three buttons.
"""

from __future__ import annotations

from typing import Any

from bot.playground.validation.composition import ID, any_text
from bot.playground.validation.elements import BUTTON, IMAGE
from bot.playground.validation.rich_text import RICH_TEXT
from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    at_least_one_of,
    boolean,
    by_type,
    choice,
    exactly_one_of,
    listing,
    shape,
    string,
)

_IMAGE = by_type({"image": IMAGE})
_BLOCK: dict[str, Check] = {"block_id": ID}


def _one_icon(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    if "icon" in value and "slack_icon" in value:
        message = "must not define both icon and slack_icon"
        problems.append(Problem(pointer, message, "one_of", ["icon", "slack_icon"]))


ALERT = shape(
    {"text": any_text(200)},
    {**_BLOCK, "level": choice("default", "info", "warning", "error", "success")},
)
CARD = shape(
    {},
    {
        **_BLOCK,
        "hero_image": _IMAGE,
        "icon": _IMAGE,
        "slack_icon": shape({"name": string()}),
        "title": any_text(150),
        "subtitle": any_text(150),
        "body": any_text(200),
        "subtext": any_text(200),
        "actions": listing(by_type({"button": BUTTON}), 3),
    },
    at_least_one_of("hero_image", "title", "actions", "body"),
    _one_icon,
)
CAROUSEL = shape({"elements": listing(by_type({"card": CARD}), 10)}, _BLOCK)


def container(child: Check) -> Check:
    """A container of blocks that pass `child`."""
    return shape(
        {"child_blocks": listing(child, 10)},
        {
            **_BLOCK,
            "title": any_text(150),
            "rich_text_title": RICH_TEXT,
            "subtitle": any_text(150),
            "width": choice("narrow", "standard", "wide", "full"),
            "icon": _IMAGE,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
        exactly_one_of("title", "rich_text_title"),
    )


_SOURCE = by_type({"url": shape({"url": string(3000), "text": string()})})
TASK_CARD = shape(
    {"task_id": string(), "title": string()},
    {
        **_BLOCK,
        "status": choice("pending", "in_progress", "complete", "error"),
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": listing(_SOURCE, least=0),
    },
)
PLAN = shape(
    {"title": string()},
    {**_BLOCK, "tasks": listing(by_type({"task_card": TASK_CARD}), least=0)},
)
