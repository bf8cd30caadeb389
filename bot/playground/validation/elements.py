"""Tables of the block elements: buttons, menus, pickers and inputs."""

from __future__ import annotations

from typing import Any

from bot.playground.validation.composition import (
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH_CONFIG,
    ID,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    RICH_OPTION,
    SELECT_OPTION,
    SLACK_FILE,
    URL,
    WORKFLOW,
    initial_is_an_option,
    plain_text,
)
from bot.playground.validation.rich_text import RICH_TEXT
from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    boolean,
    choice,
    exactly_one_of,
    integer,
    listing,
    shape,
    string,
)

PLACEHOLDER = plain_text(150)
USER_IDS = listing(string())
_STYLE = choice("primary", "danger")
_DATE = string(10, pattern=r"\d{4}-\d{2}-\d{2}")
_TIME = string(5, pattern=r"([01]\d|2[0-3]):[0-5]\d")
_COMMON: dict[str, Check] = {"action_id": ID, "focus_on_load": boolean}
_CHOOSER: dict[str, Check] = {**_COMMON, "confirm": CONFIRM, "placeholder": PLACEHOLDER}
_MULTI: dict[str, Check] = {**_CHOOSER, "max_selected_items": integer(1)}
_TYPED: dict[str, Check] = {
    **_COMMON,
    "placeholder": PLACEHOLDER,
    "dispatch_action_config": DISPATCH_CONFIG,
}


def _lengths_fit(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    least, most = value.get("min_length", 0), value.get("max_length", 3000)
    if least > most:
        message = "min_length must not exceed max_length"
        problems.append(Problem(f"{pointer}/min_length", message, "invalid_value"))


def _static(extra: dict[str, Check], initial: str) -> Check:
    fields = {
        **extra,
        "options": listing(SELECT_OPTION, 100),
        "option_groups": listing(OPTION_GROUP, 100),
        initial: SELECT_OPTION if initial == "initial_option" else listing(SELECT_OPTION, 100),
    }
    one_source = exactly_one_of("options", "option_groups")
    return shape({}, fields, one_source, initial_is_an_option(initial))


_FEEDBACK = shape(
    {"text": plain_text(75), "value": string(2000)}, {"accessibility_label": string(75)}
)
BUTTON = shape(
    {"text": plain_text(75)},
    {
        "action_id": ID,
        "url": URL,
        "value": string(2000),
        "style": _STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "agent_prompt": string(4000),
        "visible_to_user_ids": USER_IDS,
    },
)
WORKFLOW_BUTTON = shape(
    {"text": plain_text(75), "workflow": WORKFLOW, "action_id": ID},
    {"style": _STYLE, "accessibility_label": string(75)},
)
CHECKBOXES = shape(
    {"options": listing(RICH_OPTION, 10)},
    {**_COMMON, "confirm": CONFIRM, "initial_options": listing(RICH_OPTION, 10)},
    initial_is_an_option("initial_options"),
)
RADIO_BUTTONS = shape(
    {"options": listing(RICH_OPTION, 10)},
    {**_COMMON, "confirm": CONFIRM, "initial_option": RICH_OPTION},
    initial_is_an_option("initial_option"),
)
OVERFLOW = shape({"options": listing(OVERFLOW_OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM})
IMAGE = shape(
    {"alt_text": string(2000)},
    {"image_url": URL, "slack_file": SLACK_FILE},
    exactly_one_of("image_url", "slack_file"),
)
FEEDBACK_BUTTONS = shape(
    {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, {"action_id": ID}
)
ICON_BUTTON = shape(
    {"icon": string(), "text": plain_text(75)},
    {
        "action_id": ID,
        "value": string(2000),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": USER_IDS,
    },
)

SINGLE_SELECTS: dict[str, Check] = {
    "static_select": _static(_CHOOSER, "initial_option"),
    "external_select": shape(
        {}, {**_CHOOSER, "initial_option": SELECT_OPTION, "min_query_length": integer(0)}
    ),
    "users_select": shape({}, {**_CHOOSER, "initial_user": string()}),
    "conversations_select": shape(
        {},
        {
            **_CHOOSER,
            "initial_conversation": string(),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": CONVERSATION_FILTER,
        },
    ),
    "channels_select": shape(
        {}, {**_CHOOSER, "initial_channel": string(), "response_url_enabled": boolean}
    ),
}
MULTI_SELECTS: dict[str, Check] = {
    "multi_static_select": _static(_MULTI, "initial_options"),
    "multi_external_select": shape(
        {},
        {**_MULTI, "initial_options": listing(SELECT_OPTION, 100), "min_query_length": integer(0)},
    ),
    "multi_users_select": shape({}, {**_MULTI, "initial_users": listing(string())}),
    "multi_conversations_select": shape(
        {},
        {
            **_MULTI,
            "initial_conversations": listing(string()),
            "default_to_current_conversation": boolean,
            "filter": CONVERSATION_FILTER,
        },
    ),
    "multi_channels_select": shape({}, {**_MULTI, "initial_channels": listing(string())}),
}
PICKERS: dict[str, Check] = {
    "datepicker": shape({}, {**_CHOOSER, "initial_date": _DATE}),
    "timepicker": shape({}, {**_CHOOSER, "initial_time": _TIME, "timezone": string()}),
}
DATETIMEPICKER = shape(
    {},
    {**_COMMON, "confirm": CONFIRM, "initial_date_time": integer(1_000_000_000, 9_999_999_999)},
)
TYPED_INPUTS: dict[str, Check] = {
    "plain_text_input": shape(
        {},
        {
            **_TYPED,
            "initial_value": string(3000, least=0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _lengths_fit,
    ),
    "email_text_input": shape({}, {**_TYPED, "initial_value": string(3000)}),
    "url_text_input": shape({}, {**_TYPED, "initial_value": string(3000)}),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": string(), "min_value": string(), "max_value": string()},
    ),
    "rich_text_input": shape(
        {},
        {
            **_TYPED,
            "initial_value": RICH_TEXT,
            "min_lines": integer(1, 100),
            "max_lines": integer(1, 100),
        },
    ),
}
FILE_INPUT = shape(
    {}, {"action_id": ID, "filetypes": listing(string()), "max_files": integer(1, 10)}
)

# Which elements each kind of block takes.
ACTION_ELEMENTS: dict[str, Check] = {
    "button": BUTTON,
    "workflow_button": WORKFLOW_BUTTON,
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO_BUTTONS,
    "overflow": OVERFLOW,
    "datetimepicker": DATETIMEPICKER,
    **SINGLE_SELECTS,
    **PICKERS,
}
ACCESSORIES: dict[str, Check] = {
    **{kind: check for kind, check in ACTION_ELEMENTS.items() if kind != "datetimepicker"},
    **MULTI_SELECTS,
    "image": IMAGE,
}
INPUT_ELEMENTS: dict[str, Check] = {
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO_BUTTONS,
    "datetimepicker": DATETIMEPICKER,
    **SINGLE_SELECTS,
    **MULTI_SELECTS,
    **PICKERS,
    **TYPED_INPUTS,
}
CONTEXT_ELEMENTS: dict[str, Check] = {
    "image": IMAGE,
    "plain_text": shape({"text": string(3000)}, {"emoji": boolean}),
    "mrkdwn": shape({"text": string(3000)}, {"verbatim": boolean}),
}
CONTEXT_ACTION_ELEMENTS: dict[str, Check] = {
    "feedback_buttons": FEEDBACK_BUTTONS,
    "icon_button": ICON_BUTTON,
}
