"""One of everything that Block Kit has: accepted where it belongs, and read as it shows."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import (
    JSON,
    actions,
    button,
    modal,
    mrkdwn,
    option,
    plain,
    refusal,
    rich_text,
    section,
)

OPS = "C0OPS00001"
LINK = "https://e.example/x.png"
IMAGE = {"type": "image", "image_url": LINK, "alt_text": "An image"}
CARD = {"type": "card", "title": plain("Card"), "actions": [button("Buy", action_id="buy")]}
TASK = {"type": "task_card", "task_id": "1", "title": "Task", "status": "in_progress"}
CELLS = [{"type": "raw_text", "text": "cell"}, {"type": "raw_number", "value": 5}]
OPTIONS = [option("One", "1"), option("Two", "2")]


def inline() -> JSON:
    elements = [
        {"type": "text", "text": "bold", "style": {"bold": True}},
        {"type": "link", "url": LINK, "text": "link"},
        {"type": "emoji", "name": "bell"},
        {"type": "user", "user_id": "U1"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "a day"},
    ]
    return {"type": "rich_text_section", "elements": elements}


RICH = {
    "type": "rich_text",
    "elements": [
        inline(),
        {"type": "rich_text_list", "style": "ordered", "elements": rich_text("item")["elements"]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quote"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "code"}]},
    ],
}

# Each kind of block in a message, and what a reader sees of it.
IN_MESSAGES: list[tuple[JSON, list[str]]] = [
    ({"type": "divider"}, []),
    ({"type": "header", "text": plain("Head")}, ["Head"]),
    (section("Text", fields=[mrkdwn("Field")], accessory=IMAGE), ["Text", "Field"]),
    ({"type": "context", "elements": [IMAGE, plain("Aside")]}, ["Aside"]),
    (actions(button("Go"), {"type": "overflow", "options": OPTIONS}), ["Go"]),
    (actions({"type": "checkboxes", "options": OPTIONS}), ["One", "Two"]),
    (
        actions({"type": "static_select", "options": OPTIONS, "placeholder": plain("Pick")}),
        ["Pick"],
    ),
    ({**IMAGE, "title": plain("Title")}, ["Title"]),
    ({"type": "markdown", "text": "# Mark"}, ["# Mark"]),
    (
        RICH,
        ["boldlink:bell:<@U1><#C1><!subteam^S1><!here>a day", "item", "quote", "code"],
    ),
    (
        {
            "type": "input",
            "label": plain("Label"),
            "element": {"type": "plain_text_input"},
            "hint": plain("Hint"),
        },
        ["Label", "Hint"],
    ),
    ({"type": "table", "rows": [CELLS]}, ["cell", "5"]),
    ({"type": "data_table", "caption": "Cap", "rows": [CELLS, CELLS]}, ["Cap", *["cell", "5"] * 2]),
    (
        {
            "type": "video",
            "alt_text": "A",
            "title": plain("Film"),
            "video_url": LINK,
            "thumbnail_url": LINK,
        },
        ["Film"],
    ),
    (CARD, ["Card", "Buy"]),
    ({"type": "carousel", "elements": [CARD]}, ["Card", "Buy"]),
    (
        {"type": "container", "title": plain("Box"), "child_blocks": [section("In it")]},
        ["Box", "In it"],
    ),
    (TASK | {"details": rich_text("Detail")}, ["Task", "Detail"]),
    ({"type": "plan", "title": "Plan", "tasks": [TASK]}, ["Plan", "Task"]),
    (
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "positive_button": {"text": plain("Good"), "value": "1"},
                    "negative_button": {"text": plain("Bad"), "value": "0"},
                },
                {"type": "icon_button", "icon": "trash", "text": plain("Delete")},
            ],
        },
        ["Good", "Bad", "Delete"],
    ),
]


@pytest.mark.parametrize(
    ("block", "seen"),
    IN_MESSAGES,
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_in_messages(
    slack: LocalSlack, client: AsyncWebClient, block: JSON, seen: list[str]
) -> None:
    await client.chat_postMessage(channel=OPS, text="t", blocks=[block])
    (message,) = slack.messages("ops")
    assert message.plain.splitlines() == seen


@pytest.mark.parametrize(
    "element",
    [
        {"type": "email_text_input"},
        {"type": "url_text_input"},
        {"type": "number_input", "is_decimal_allowed": True, "min_value": "1"},
        {"type": "rich_text_input", "min_lines": 2, "max_lines": 8, "initial_value": rich_text()},
        {"type": "file_input", "filetypes": ["pdf"]},
        {"type": "radio_buttons", "options": OPTIONS, "initial_option": OPTIONS[0]},
        {"type": "external_select", "min_query_length": 2},
        {"type": "users_select", "initial_user": "U1"},
        {"type": "conversations_select", "filter": {"include": ["public"]}},
        {"type": "channels_select", "response_url_enabled": True},
        {"type": "multi_static_select", "options": OPTIONS, "max_selected_items": 1},
        {"type": "multi_external_select"},
        {"type": "multi_users_select"},
        {"type": "multi_conversations_select", "default_to_current_conversation": True},
        {"type": "multi_channels_select"},
        {"type": "datepicker", "initial_date": "2026-11-22"},
        {"type": "timepicker", "initial_time": "23:59"},
        {"type": "datetimepicker", "initial_date_time": 1_700_000_000},
    ],
    ids=lambda element: element["type"],
)
async def test_in_inputs_of_modals(client: AsyncWebClient, element: JSON) -> None:
    block = {"type": "input", "label": plain("L"), "element": element}
    # A good view gets as far as its unknown trigger.
    body = await refusal(client.views_open(trigger_id="1.2.3", view=modal(block)))
    assert body["error"] == "invalid_trigger_id"


@pytest.mark.parametrize(
    "element",
    [
        {"type": "button", "text": mrkdwn("t")},
        {"type": "button", "text": plain("t"), "style": "warning"},
        {"type": "datepicker", "initial_date": "22.11.2026"},
        {"type": "timepicker", "initial_time": "24:00"},
        {"type": "static_select"},
        {"type": "static_select", "options": [{"text": mrkdwn("t"), "value": "1"}]},
        {"type": "static_select", "options": OPTIONS, "initial_option": option("Three", "3")},
        {"type": "multi_users_select"},
        {"type": "plain_text_input"},
        {"type": "image", "image_url": LINK, "alt_text": "A"},
        {"type": "checkboxes", "options": OPTIONS, "placeholder": plain("p")},
        {"type": "button", "text": plain("t"), "value": 5},
        {"type": "overflow", "options": [option(url=LINK) | {"icon": "x"}]},
    ],
)
async def test_what_does_not_belong_in_actions(client: AsyncWebClient, element: JSON) -> None:
    body = await refusal(client.chat_postMessage(channel=OPS, text="t", blocks=[actions(element)]))
    assert body["error"] == "invalid_blocks"
    assert all("/blocks/0/elements/0" in line for line in body["errors"])
