"""Cursors: a page of a list, and where the next one starts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from bot.playground.errors import JSON, SlackError
from bot.playground.wire import Args

T = TypeVar("T")


def page_size(args: Args, default: int, most: int, error: str = "invalid_limit") -> int:
    """The call's `limit`. Raises SlackError(`error`) if it is not from 1 to `most`."""
    limit = args.number("limit", default, error=error) or default
    if not 1 <= limit <= most:
        raise SlackError(error)
    return limit


def encode_cursor(start: int) -> str:
    """A cursor that leads to position `start`."""
    return base64.b64encode(f"next:{start}".encode()).decode()


def decode_cursor(args: Args) -> int:
    """The position of the call's cursor, 0 without one. Raises SlackError invalid_cursor."""
    cursor = args.text("cursor")
    if not cursor:
        return 0
    try:
        word = base64.b64decode(cursor, validate=True).decode()
        return int(word.removeprefix("next:"))
    except ValueError:
        raise SlackError("invalid_cursor") from None


def page(items: Sequence[T], args: Args, size: int) -> tuple[list[T], JSON]:
    """One page, and the response_metadata whose empty next_cursor means the end."""
    start = decode_cursor(args)
    end = start + size
    cursor = encode_cursor(end) if end < len(items) else ""
    return list(items[start:end]), {"response_metadata": {"next_cursor": cursor}}
