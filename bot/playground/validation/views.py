"""What Slack refuses in a view."""

from __future__ import annotations

import json
from typing import Any

from bot.playground.errors import SlackError
from bot.playground.validation.blocks import HOME_BLOCKS, MODAL_BLOCKS, duplicate_block_ids
from bot.playground.validation.composition import plain_text
from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    boolean,
    by_type,
    listing,
    shape,
    string,
)

MAX_BYTES = 250 * 1000  # of a view as JSON
_SHARED: dict[str, Check] = {
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
    "private_metadata": string(3000, least=0),
}
_VIEW = by_type(
    {
        "modal": shape(
            {"title": plain_text(24), "blocks": listing(by_type(MODAL_BLOCKS), 100)},
            {
                **_SHARED,
                "submit": plain_text(24),
                "close": plain_text(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
        ),
        "home": shape({"blocks": listing(by_type(HOME_BLOCKS), 100, least=0)}, _SHARED),
    }
)


def view_problems(view: Any, pointer: str = "/view") -> Problems:
    """Everything wrong with a view."""
    problems: Problems = []
    _VIEW(view, pointer, problems)
    if not isinstance(view, dict) or not isinstance(view.get("blocks"), list):
        return problems
    blocks = [block for block in view["blocks"] if isinstance(block, dict)]
    problems += duplicate_block_ids(view["blocks"], f"{pointer}/blocks")
    has_input = any(block.get("type") == "input" for block in blocks)
    if view.get("type") == "modal" and has_input and "submit" not in view:
        message = "must define `submit` to use an `input` block in modals"
        problems.append(Problem(pointer, message, "missing_field", "submit"))
    return problems


def check_view(view: Any) -> None:
    """Raise the SlackError with which Slack refuses the view, if it does.

    Codes: invalid_arguments with a message per problem, view_too_large.
    """
    if problems := view_problems(view):
        raise SlackError.invalid_arguments(*(problem.line() for problem in problems))
    if len(json.dumps(view, ensure_ascii=False).encode()) > MAX_BYTES:
        raise SlackError("view_too_large")
