"""Tables of the composition objects: text, options, confirmation dialogs and their like."""

from __future__ import annotations

from typing import Any

from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    anything,
    boolean,
    by_type,
    choice,
    exactly_one_of,
    listing,
    shape,
    string,
)

ID = string(255)
URL = string(3000)


def plain_text(most: int, least: int = 1) -> Check:
    """A plain_text object of at most `most` characters."""
    return by_type({"plain_text": shape({"text": string(most, least)}, {"emoji": boolean})})


def any_text(most: int, least: int = 1) -> Check:
    """A plain_text or mrkdwn object of at most `most` characters."""
    return by_type(
        {
            "plain_text": shape({"text": string(most, least)}, {"emoji": boolean}),
            "mrkdwn": shape({"text": string(most, least)}, {"verbatim": boolean}),
        }
    )


def option(text: Check, *, with_url: bool = False) -> Check:
    """An option whose label passes `text`; only overflow menus take a url."""
    optional = {"description": any_text(75)}
    if with_url:
        optional["url"] = URL
    return shape({"text": text, "value": string(150)}, optional)


SELECT_OPTION = option(plain_text(75))
OVERFLOW_OPTION = option(plain_text(75), with_url=True)
RICH_OPTION = option(any_text(75))
OPTION_GROUP = shape({"label": plain_text(75), "options": listing(SELECT_OPTION, 100)})

CONFIRM = shape(
    {
        "title": plain_text(100),
        "text": any_text(300),
        "confirm": plain_text(30),
        "deny": plain_text(30),
    },
    {"style": choice("primary", "danger")},
)
DISPATCH_CONFIG = shape(
    {"trigger_actions_on": listing(choice("on_enter_pressed", "on_character_entered"), most=2)}
)
CONVERSATION_FILTER = shape(
    {},
    {
        "include": listing(choice("im", "mpim", "private", "public")),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
SLACK_FILE = shape({}, {"id": string(), "url": URL}, exactly_one_of("id", "url"))
WORKFLOW = shape(
    {
        "trigger": shape(
            {"url": URL},
            {"customizable_input_parameters": listing(anything)},
        )
    }
)


def initial_is_an_option(field: str) -> Any:
    """The rule that what is chosen at first (`field`) is among what can be chosen."""

    def rule(value: dict[str, Any], pointer: str, problems: Problems) -> None:
        if field not in value:
            return
        options = list(value.get("options", ()))
        for group in value.get("option_groups", ()):
            options += group["options"]
        values = {each["value"] for each in options}
        chosen = value[field] if isinstance(value[field], list) else [value[field]]
        if any(each["value"] not in values for each in chosen):
            message = f"{field} must match one of the options"
            problems.append(Problem(f"{pointer}/{field}", message, "invalid_value"))

    return rule
