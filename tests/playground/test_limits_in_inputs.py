"""The limits of what stands in input blocks: accepted up to them, refused beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.playground.helpers import JSON, modal, plain, refusal, text_input

Make = Callable[[int], JSON]


def x(n: int) -> str:
    return "x" * n


def of(kind: str, **more: object) -> JSON:
    return {"type": "input", "label": plain("L"), "element": {"type": kind, **more}}


# What is limited, its largest size, and an input block with that size.
AT_MOST: list[tuple[str, int, Make]] = [
    ("label", 2000, lambda n: text_input("b", x(n))),
    ("hint", 2000, lambda n: text_input("b", hint=plain(x(n)))),
    ("placeholder", 150, lambda n: of("plain_text_input", placeholder=plain(x(n)))),
    ("plain_text_input max_length", 3000, lambda n: of("plain_text_input", max_length=n)),
    ("plain_text_input min_length", 3000, lambda n: of("plain_text_input", min_length=n)),
    ("plain_text_input initial_value", 3000, lambda n: of("plain_text_input", initial_value=x(n))),
    ("file_input max_files", 10, lambda n: of("file_input", max_files=n)),
    ("rich_text_input max_lines", 100, lambda n: of("rich_text_input", max_lines=n)),
    ("rich_text_input min_lines", 100, lambda n: of("rich_text_input", min_lines=n)),
    ("alert text", 200, lambda n: {"type": "alert", "text": plain(x(n))}),
]

# The same at the lower end.
AT_LEAST: list[tuple[str, int, Make]] = [
    ("file_input max_files", 1, lambda n: of("file_input", max_files=n)),
    ("rich_text_input max_lines", 1, lambda n: of("rich_text_input", max_lines=n)),
    ("rich_text_input min_lines", 1, lambda n: of("rich_text_input", min_lines=n)),
    ("plain_text_input max_length", 1, lambda n: of("plain_text_input", max_length=n)),
    ("plain_text_input min_length", 0, lambda n: of("plain_text_input", min_length=n)),
]

CASES = [(*row, 1) for row in AT_MOST] + [(*row, -1) for row in AT_LEAST]


@pytest.mark.parametrize(
    ("name", "limit", "make", "step"), CASES, ids=[f"{row[0]} {row[1]}" for row in CASES]
)
async def test_a_modal_takes_the_limit_and_nothing_beyond(
    client: AsyncWebClient, name: str, limit: int, make: Make, step: int
) -> None:
    # A good view gets as far as its unknown trigger.
    body = await refusal(client.views_open(trigger_id="1.2.3", view=modal(make(limit))))
    assert body["error"] == "invalid_trigger_id", name
    body = await refusal(client.views_open(trigger_id="1.2.3", view=modal(make(limit + step))))
    assert body["error"] == "invalid_arguments", name
    assert "[json-pointer:/view/blocks/0" in body["response_metadata"]["messages"][0]


async def test_the_least_length_does_not_exceed_the_greatest(client: AsyncWebClient) -> None:
    view = modal(of("plain_text_input", min_length=6, max_length=5))
    body = await refusal(client.views_open(trigger_id="1.2.3", view=view))
    assert body["error"] == "invalid_arguments"
