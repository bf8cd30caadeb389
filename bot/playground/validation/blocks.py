"""Tables of the layout blocks, and which of them each surface takes."""

from __future__ import annotations

from typing import Any

from bot.playground.validation.composition import ID, SLACK_FILE, URL, any_text, plain_text
from bot.playground.validation.elements import (
    ACCESSORIES,
    ACTION_ELEMENTS,
    CONTEXT_ACTION_ELEMENTS,
    CONTEXT_ELEMENTS,
    FILE_INPUT,
    INPUT_ELEMENTS,
)
from bot.playground.validation.newer_blocks import ALERT, CARD, CAROUSEL, PLAN, TASK_CARD, container
from bot.playground.validation.rich_text import RICH_TEXT
from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    Rule,
    at_least_one_of,
    boolean,
    by_type,
    choice,
    exactly_one_of,
    listing,
    shape,
    string,
)
from bot.playground.validation.tables import DATA_TABLE, TABLE

_BLOCK: dict[str, Check] = {"block_id": ID}


def distinct_action_ids(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    """The rule that no two elements of a block bear the same action_id."""
    ids = [each["action_id"] for each in value["elements"] if "action_id" in each]
    for twice in sorted({each for each in ids if ids.count(each) > 1}):
        message = f'The `action_id` "{twice}" already exists for another interactive component.'
        problems.append(Problem(f"{pointer}/elements", message, "duplicate", twice))


def _elements(kinds: dict[str, Check], most: int, *rules: Rule) -> Check:
    return shape({"elements": listing(by_type(kinds), most)}, _BLOCK, *rules)


def _input(kinds: dict[str, Check]) -> Check:
    return shape(
        {"label": plain_text(2000), "element": by_type(kinds)},
        {**_BLOCK, "hint": plain_text(2000), "optional": boolean, "dispatch_action": boolean},
    )


# What every surface takes.
_COMMON: dict[str, Check] = {
    "divider": shape({}, _BLOCK),
    "header": shape({"text": plain_text(150)}, _BLOCK),
    "section": shape(
        {},
        {
            **_BLOCK,
            "text": any_text(3000),
            "fields": listing(any_text(2000), 10),
            "accessory": by_type(ACCESSORIES),
            "expand": boolean,
        },
        at_least_one_of("text", "fields"),
    ),
    "actions": _elements(ACTION_ELEMENTS, 25, distinct_action_ids),
    "context": _elements(CONTEXT_ELEMENTS, 10),
    "context_actions": _elements(CONTEXT_ACTION_ELEMENTS, 5, distinct_action_ids),
    "image": shape(
        {"alt_text": string(2000)},
        {**_BLOCK, "image_url": URL, "slack_file": SLACK_FILE, "title": plain_text(2000)},
        exactly_one_of("image_url", "slack_file"),
    ),
    "input": _input(INPUT_ELEMENTS),
    "rich_text": RICH_TEXT,
    "video": shape(
        {
            "alt_text": string(2000),
            "title": plain_text(199),
            "thumbnail_url": URL,
            "video_url": URL,
        },
        {
            **_BLOCK,
            "author_name": string(49),
            "description": plain_text(200),
            "provider_icon_url": URL,
            "provider_name": string(),
            "title_url": URL,
        },
    ),
    "card": CARD,
    "carousel": CAROUSEL,
}
_COMMON["container"] = container(by_type(dict(_COMMON)))

MESSAGE_BLOCKS: dict[str, Check] = {
    **_COMMON,
    "markdown": shape({"text": string(12_000)}, _BLOCK),
    "table": TABLE,
    "data_table": DATA_TABLE,
    "task_card": TASK_CARD,
    "plan": PLAN,
    "file": shape({"external_id": string(255), "source": choice("remote")}, _BLOCK),
}
MODAL_BLOCKS: dict[str, Check] = {
    **_COMMON,
    "alert": ALERT,
    "input": _input({**INPUT_ELEMENTS, "file_input": FILE_INPUT}),
}
HOME_BLOCKS: dict[str, Check] = _COMMON


def duplicate_block_ids(blocks: list[Any], pointer: str) -> Problems:
    """A problem for each block whose block_id stands on an earlier block of the same surface."""
    seen: set[str] = set()
    problems: Problems = []
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if not isinstance(block_id, str):
            continue
        if block_id in seen:
            message = f"block_id already exists: {block_id}"
            at = f"{pointer}/{index}/block_id"
            problems.append(Problem(at, message, "duplicate", block_id))
        seen.add(block_id)
    return problems
