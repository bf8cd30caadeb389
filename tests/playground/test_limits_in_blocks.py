"""Block Kit's limits: each accepted at N and refused at N + 1, by Slack's published numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.playground.helpers import (
    JSON,
    actions,
    button,
    mrkdwn,
    option,
    plain,
    refusal,
    rich_text,
    section,
)

Make = Callable[[int], list[JSON]]


def x(n: int) -> str:
    return "x" * n


def url(n: int) -> str:
    return "https://e.example/".ljust(n, "x")


def many(n: int) -> list[JSON]:
    return [option(str(each), str(each)) for each in range(n)]


def static(**more: object) -> JSON:
    return {"type": "static_select", "action_id": "s", **({"options": many(2)} | more)}


def grouped(count: int, size: int, label: str = "Group") -> JSON:
    groups = [
        {"label": plain(label), "options": [option(str(o), f"{g}.{o}") for o in range(size)]}
        for g in range(count)
    ]
    return {"type": "static_select", "action_id": "s", "option_groups": groups}


def overflow(*options: JSON) -> JSON:
    return actions({"type": "overflow", "options": list(options)})


def confirmed(**more: str) -> list[JSON]:
    words = {"title": "Sure", "text": "Really", "confirm": "Yes", "deny": "No", **more}
    return [actions(button(confirm={key: plain(text) for key, text in words.items()}))]


def image(**more: object) -> JSON:
    return {"type": "image", "image_url": url(30), "alt_text": "A", **more}


def icon_button(**more: object) -> JSON:
    return {"type": "icon_button", "icon": "trash", "text": plain("Delete"), **more}


def context_actions(n: int) -> JSON:
    icon = icon_button()
    return {"type": "context_actions", "elements": [icon | {"action_id": str(i)} for i in range(n)]}


def of_icon(**more: object) -> list[JSON]:
    return [{"type": "context_actions", "elements": [icon_button(**more)]}]


def cell(text: str = "c") -> JSON:
    return {"type": "raw_text", "text": text}


def table(rows: int = 1, cells: int = 1, **more: object) -> JSON:
    return {"type": "table", "rows": [[cell()] * cells] * rows, **more}


def data_table(rows: int = 2, cells: int = 1, **more: object) -> JSON:
    return {"type": "data_table", "caption": "C", "rows": [[cell()] * cells] * rows, **more}


def video(**more: object) -> JSON:
    links = {"video_url": url(30), "thumbnail_url": url(30)}
    return {"type": "video", "alt_text": "A", "title": plain("T"), **links, **more}


def card(**more: object) -> JSON:
    return {"type": "card", "title": plain("T"), **more}


def container(**more: object) -> JSON:
    return {"type": "container", "title": plain("T"), "child_blocks": [section()], **more}


def listed(**more: object) -> JSON:
    items = rich_text()["elements"]
    kind = {"type": "rich_text_list", "style": "bullet", "elements": items}
    return {"type": "rich_text", "elements": [kind | more]}


def markdown(n: int) -> JSON:
    return {"type": "markdown", "text": x(n)}


def feedback(**more: object) -> list[JSON]:
    good: JSON = {"text": plain("Good"), "value": "g"}
    buttons = {"positive_button": good | more, "negative_button": good}
    return [{"type": "context_actions", "elements": [{"type": "feedback_buttons", **buttons}]}]


def checkboxes(kind: str, *options: JSON) -> JSON:
    return actions({"type": kind, "action_id": "c", "options": list(options)})


# What is limited, its largest size, and blocks of a message with that size.
IN_MESSAGES: list[tuple[str, int, Make]] = [
    ("blocks of a message", 50, lambda n: [{"type": "divider"}] * n),
    ("block_id", 255, lambda n: [section(block_id=x(n))]),
    ("action_id", 255, lambda n: [actions(button(action_id=x(n)))]),
    ("text object", 3000, lambda n: [{"type": "context", "elements": [mrkdwn(x(n))]}]),
    ("header", 150, lambda n: [{"type": "header", "text": plain(x(n))}]),
    ("section text", 3000, lambda n: [section(x(n))]),
    ("section fields", 10, lambda n: [{"type": "section", "fields": [mrkdwn("f")] * n}]),
    ("section field", 2000, lambda n: [{"type": "section", "fields": [mrkdwn(x(n))]}]),
    ("button text", 75, lambda n: [actions(button(x(n)))]),
    ("button value", 2000, lambda n: [actions(button(value=x(n)))]),
    ("button url", 3000, lambda n: [actions(button(url=url(n)))]),
    ("button accessibility_label", 75, lambda n: [actions(button(accessibility_label=x(n)))]),
    ("button agent_prompt", 4000, lambda n: [actions(button(agent_prompt=x(n)))]),
    ("actions", 25, lambda n: [actions(*(button(action_id=str(i)) for i in range(n)))]),
    ("context", 10, lambda n: [{"type": "context", "elements": [mrkdwn("c")] * n}]),
    ("context_actions", 5, lambda n: [context_actions(n)]),
    ("icon button text", 75, lambda n: of_icon(text=plain(x(n)))),
    ("icon button value", 2000, lambda n: of_icon(value=x(n))),
    ("icon button accessibility_label", 75, lambda n: of_icon(accessibility_label=x(n))),
    ("accessory image url", 3000, lambda n: [section(accessory=image(image_url=url(n)))]),
    ("accessory image alt_text", 2000, lambda n: [section(accessory=image(alt_text=x(n)))]),
    ("plain text of a context", 3000, lambda n: [{"type": "context", "elements": [plain(x(n))]}]),
    ("feedback button text", 75, lambda n: feedback(text=plain(x(n)))),
    ("feedback button value", 2000, lambda n: feedback(value=x(n))),
    ("select options", 100, lambda n: [actions(static(options=many(n)))]),
    ("select groups", 100, lambda n: [actions(grouped(n, 1))]),
    ("options of a group", 100, lambda n: [actions(grouped(1, n))]),
    ("placeholder", 150, lambda n: [actions(static(placeholder=plain(x(n))))]),
    ("option text", 75, lambda n: [actions(static(options=[option(x(n))]))]),
    ("option text of overflow", 75, lambda n: [overflow(option(x(n)))]),
    ("option text of checkboxes", 75, lambda n: [checkboxes("checkboxes", option(x(n)))]),
    ("group label", 75, lambda n: [actions(grouped(1, 1, label=x(n)))]),
    (
        "option description",
        75,
        lambda n: [actions(static(options=[option(description=plain(x(n)))]))],
    ),
    ("option value", 150, lambda n: [actions(static(options=[option(value=x(n))]))]),
    (
        "overflow option url",
        3000,
        lambda n: [overflow(option(url=url(n)))],
    ),
    ("checkboxes", 10, lambda n: [checkboxes("checkboxes", *many(n))]),
    ("radio buttons", 10, lambda n: [checkboxes("radio_buttons", *many(n))]),
    ("overflow", 5, lambda n: [overflow(*many(n))]),
    ("confirm title", 100, lambda n: confirmed(title=x(n))),
    ("confirm text", 300, lambda n: confirmed(text=x(n))),
    ("confirm button", 30, lambda n: confirmed(confirm=x(n))),
    ("deny button", 30, lambda n: confirmed(deny=x(n))),
    ("image url", 3000, lambda n: [image(image_url=url(n))]),
    ("image alt_text", 2000, lambda n: [image(alt_text=x(n))]),
    ("image title", 2000, lambda n: [image(title=plain(x(n)))]),
    ("markdown", 12_000, lambda n: [markdown(n)]),
    ("markdown of all blocks", 12_000, lambda n: [markdown(6000), markdown(n - 6000)]),
    ("table rows", 100, lambda n: [table(rows=n)]),
    ("table cells", 20, lambda n: [table(cells=n)]),
    ("table column_settings", 20, lambda n: [table(column_settings=[{"align": "left"}] * n)]),
    ("data_table rows", 101, lambda n: [data_table(rows=n)]),
    ("data_table columns", 20, lambda n: [data_table(cells=n)]),
    ("data_table page_size", 100, lambda n: [data_table(page_size=n)]),
    ("video title (under 200)", 199, lambda n: [video(title=plain(x(n)))]),
    ("video author (under 50)", 49, lambda n: [video(author_name=x(n))]),
    ("rich_text_list indent", 8, lambda n: [listed(indent=n)]),
    ("rich_text_list border", 1, lambda n: [listed(border=n)]),
    ("card title", 150, lambda n: [card(title=plain(x(n)))]),
    ("card subtitle", 150, lambda n: [card(subtitle=plain(x(n)))]),
    ("card body", 200, lambda n: [card(body=plain(x(n)))]),
    ("card subtext", 200, lambda n: [card(subtext=plain(x(n)))]),
    ("card buttons", 3, lambda n: [card(actions=[button(action_id=str(i)) for i in range(n)])]),
    ("carousel", 10, lambda n: [{"type": "carousel", "elements": [card()] * n}]),
    ("container title", 150, lambda n: [container(title=plain(x(n)))]),
    ("container subtitle", 150, lambda n: [container(subtitle=plain(x(n)))]),
    ("container child_blocks", 10, lambda n: [container(child_blocks=[section()] * n)]),
]

# And the least sizes: accepted at N, refused at N - 1.
AT_LEAST: list[tuple[str, int, Make]] = [
    ("text object", 1, lambda n: [section(x(n))]),
    ("actions", 1, lambda n: [actions(*[button()] * n)]),
    ("overflow", 1, lambda n: [overflow(*many(n))]),
    ("data_table rows", 2, lambda n: [data_table(rows=n)]),
    ("data_table page_size", 1, lambda n: [data_table(page_size=n)]),
    ("carousel", 1, lambda n: [{"type": "carousel", "elements": [card()] * n}]),
    ("rich_text_list indent", 0, lambda n: [listed(indent=n)]),
]


@pytest.mark.parametrize(
    ("limit", "make"), [row[1:] for row in IN_MESSAGES], ids=[r[0] for r in IN_MESSAGES]
)
async def test_a_message_takes_n_and_refuses_one_more(
    client: AsyncWebClient, limit: int, make: Make
) -> None:
    await client.chat_postMessage(channel="C0OPS00001", text="t", blocks=make(limit))
    body = await refusal(
        client.chat_postMessage(channel="C0OPS00001", text="t", blocks=make(limit + 1))
    )
    assert body["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks" in body["errors"][0]
    assert body["response_metadata"]["messages"] == [f"[ERROR] {line}" for line in body["errors"]]


@pytest.mark.parametrize(
    ("limit", "make"), [row[1:] for row in AT_LEAST], ids=[r[0] for r in AT_LEAST]
)
async def test_a_message_takes_n_and_refuses_one_less(
    client: AsyncWebClient, limit: int, make: Make
) -> None:
    await client.chat_postMessage(channel="C0OPS00001", text="t", blocks=make(limit))
    call = client.chat_postMessage(channel="C0OPS00001", text="t", blocks=make(limit - 1))
    assert (await refusal(call))["error"] == "invalid_blocks"


async def test_the_text_of_a_data_table(client: AsyncWebClient) -> None:
    def of(n: int) -> list[JSON]:
        rows = [[cell(x(10_000))], [cell(x(n - 10_000))]]
        return [{"type": "data_table", "caption": "C", "rows": rows}]

    assert (await client.api_call("blocks.validate", json={"blocks": of(20_000)}))["ok"]
    body = await refusal(client.api_call("blocks.validate", json={"blocks": of(20_001)}))
    assert body["errors"][0]["constraint"] == 20_000


async def test_one_table_a_message(client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0OPS00001", text="t", blocks=[table()])
    body = await refusal(
        client.chat_postMessage(channel="C0OPS00001", text="t", blocks=[table(), table()])
    )
    assert (body["error"], body["errors"]) == ("invalid_attachments", ["only_one_table_allowed"])


async def test_all_blocks_together_show_at_most_13200_characters(client: AsyncWebClient) -> None:
    def of(n: int) -> list[JSON]:
        return [section(x(3000))] * 4 + [section(x(n - 12_000))]

    await client.chat_postMessage(channel="C0OPS00001", text="t", blocks=of(13_200))
    body = await refusal(client.chat_postMessage(channel="C0OPS00001", text="t", blocks=of(13_201)))
    assert body["error"] == "msg_blocks_too_long"


async def test_attachments(client: AsyncWebClient) -> None:
    async def post(n: int) -> object:
        return await client.chat_postMessage(
            channel="C0OPS00001", text="t", attachments=[{"text": "a"}] * n
        )

    await post(100)
    assert (await refusal(post(101)))["error"] == "too_many_attachments"
