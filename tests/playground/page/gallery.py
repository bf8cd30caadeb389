"""One of every block, as an app would use it, for pictures of the page."""

from __future__ import annotations

from tests.playground.helpers import (
    JSON,
    actions,
    button,
    mrkdwn,
    option,
    plain,
    rich_text,
    section,
)

LEVELS = [option("Low", "1"), option("High", "2"), option("Critical", "3")]
NOON = 1_795_000_000  # 18 November 2026, 12:06 in Berlin


def text(words: str, **style: bool) -> JSON:
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def line(*elements: JSON) -> JSON:
    return {"type": "rich_text_section", "elements": list(elements)}


def cell(words: str) -> JSON:
    return {"type": "raw_text", "text": words}


def number(value: int) -> JSON:
    return {"type": "raw_number", "value": value}


CHECKLIST: list[JSON] = [
    {"type": "header", "text": plain("☐ Daily maintenance :clipboard:")},
    {
        "type": "context",
        "elements": [
            mrkdwn(f"2 of 5 · due <!date^{NOON}^{{date_short}} at {{time}}|13:00> · *Alice*")
        ],
    },
    section(
        "✅ ~Monitor application logs for errors~\n3 errors in 24 h, none new",
        accessory={
            "type": "checkboxes",
            "action_id": "tick",
            "options": [option("Done", "1")],
            "initial_options": [option("Done", "1")],
        },
    ),
    section(
        "*Check system resource usage*\n`disk 71 %` (full in 38 days) · memory 62 %\n"
        "> load was 3.2 at night\n```\nFilesystem  Use%\n/dev/sda1   71%\n```\n"
        "See <https://e.example|the chart>, <@U0BOB00001>, <#C0OPS00001>, <!here>",
        accessory={
            "type": "overflow",
            "action_id": "more",
            "options": [option("Skip", "s"), option("Assign to me", "a")],
        },
    ),
    {
        "type": "section",
        "fields": [
            mrkdwn("*Target*\ngrandvps"),
            mrkdwn("*By*\n<@U0ALICE001>"),
            mrkdwn("*Size*\n1.2 GB"),
            mrkdwn("*Took*\n2 min 10 s"),
        ],
    },
    {"type": "divider"},
    actions(
        button("Acknowledge", style="primary", action_id="ack"),
        button("Roll back", style="danger", action_id="back"),
        button("Details", action_id="details"),
        {
            "type": "static_select",
            "action_id": "level",
            "placeholder": plain("Severity"),
            "options": LEVELS,
        },
        {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-22"},
        {"type": "timepicker", "action_id": "hour", "initial_time": "14:30"},
        {"type": "overflow", "action_id": "rest", "options": LEVELS},
    ),
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": plain("Good"), "value": "1"},
                "negative_button": {"text": plain("Bad"), "value": "0"},
            },
            {"type": "icon_button", "action_id": "drop", "icon": "trash", "text": plain("Delete")},
        ],
    },
]

CARD: JSON = {
    "type": "card",
    "title": plain("20261122T020000Z"),
    "subtitle": plain("1.2 GB, 3 % more than the day before"),
    "body": mrkdwn("Database, media and logs, *verified*"),
    "actions": [button("Restore")],
}
TASK: JSON = {
    "type": "task_card",
    "task_id": "1",
    "title": "Back up",
    "status": "complete",
    "details": rich_text("1.2 GB in 41 s"),
}
READING: list[JSON] = [
    {
        "type": "rich_text",
        "elements": [
            line(
                text("Bold", bold=True),
                text(", "),
                text("italic", italic=True),
                text(", "),
                text("code", code=True),
                text(", "),
                {"type": "user", "user_id": "U0ALICE001"},
                text(" "),
                {"type": "emoji", "name": "tada"},
                text(" "),
                {"type": "color", "value": "#0b6e75"},
                text(" "),
                {"type": "date", "timestamp": NOON, "format": "{date_long}", "fallback": "a day"},
            ),
            {"type": "rich_text_list", "style": "bullet", "elements": [line(text("one"))] * 2},
            {
                "type": "rich_text_list",
                "style": "ordered",
                "indent": 1,
                "elements": [line(text("nested"))] * 2,
            },
            {"type": "rich_text_quote", "elements": [text("quoted\nlines")]},
            {"type": "rich_text_preformatted", "elements": [text("$ df -h\n/dev/sda1  71%")]},
        ],
    },
    {
        "type": "table",
        "column_settings": [{}, {"align": "right"}],
        "rows": [
            [cell("Table"), cell("Rows")],
            [cell("users"), number(120_000)],
            [rich_text("payments"), number(3)],
        ],
    },
    {
        "type": "markdown",
        "text": "# Markdown\nSome **bold** text\n\n- a\n- b\n\n```python\nprint(1)\n```\n",
    },
    CARD,
    {"type": "carousel", "elements": [CARD, CARD, CARD]},
    {
        "type": "container",
        "title": plain("A box to fold"),
        "is_collapsible": True,
        "child_blocks": [section("In it"), actions(button("Inside", action_id="inside"))],
    },
    {
        "type": "plan",
        "title": "Plan",
        "tasks": [TASK, TASK | {"task_id": "2", "title": "Migrate", "status": "in_progress"}],
    },
    {"type": "file", "external_id": "report-42", "source": "remote"},
]


def field(label: str, kind: str, *, optional: bool = True, hint: str = "", **more: object) -> JSON:
    block: JSON = {"type": "input", "block_id": label, "label": plain(label)}
    block |= {"element": {"type": kind, "action_id": "a", **more}, "optional": optional}
    return block | ({"hint": plain(hint)} if hint else {})


FORM: list[JSON] = [
    {"type": "alert", "level": "warning", "text": mrkdwn("Half of all payments fail *now*")},
    field("Title", "plain_text_input", optional=False, hint="A few plain words"),
    field("Impact", "plain_text_input", multiline=True, max_length=60),
    field("Severity", "static_select", options=LEVELS, optional=False),
    field("Page people", "radio_buttons", options=[option("Yes", "y"), option("No", "n")]),
    field("Parts", "checkboxes", options=LEVELS),
    field("Who", "multi_users_select", placeholder=plain("People")),
    field("Since", "datetimepicker", initial_date_time=NOON),
    field("Payments", "number_input", is_decimal_allowed=False),
    field("Evidence", "file_input", filetypes=["png", "txt"]),
]
