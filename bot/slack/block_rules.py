"""Slack's limits, block by block and field by field, as rules that make a value fit.

A rule takes a value, the fitting under way and where the value stands, and gives what may be
sent. Numbers are Block Kit's reference; where accounts differ, the smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.slack.cutting import cut


class UnfitBlocks(ValueError):
    """Blocks that Slack would refuse and that cutting texts does not mend: a defect."""


class Fitting:
    """What one message's fitting needs to know and remembers.

    `note` ends a text that was cut; `cap` is the most that a long text may have.
    """

    def __init__(self, note: str, cap: int) -> None:
        self.note = note
        self.cap = cap
        self.is_cut = False


Rule = Callable[[Any, Fitting, str], Any]

# Shorter texts are labels: they end with an ellipsis, without the note.
_LONG = 1000


def string(limit: int) -> Rule:
    """A text that may be cut. Slack takes no empty ones: a dash stands for nothing."""
    return _text(limit, markdown=False)


def _text(limit: int, *, markdown: bool) -> Rule:
    def rule(value: Any, fitting: Fitting, where: str) -> str:
        if not isinstance(value, str):
            raise UnfitBlocks(f"{where} is no text")
        is_long = limit >= _LONG
        most = min(limit, fitting.cap) if is_long else limit
        note = fitting.note if is_long else "…"
        fitted = cut(value, most, note, markdown=markdown)
        fitting.is_cut |= fitted != value
        return fitted if fitted.strip() else "–"

    return rule


def text(limit: int) -> Rule:
    """A text object, plain or mrkdwn."""

    def rule(value: Any, fitting: Fitting, where: str) -> dict[str, Any]:
        markdown = value.get("type") == "mrkdwn"
        return {**value, "text": _text(limit, markdown=markdown)(value["text"], fitting, where)}

    return rule


def fixed(limit: int, least: int = 1) -> Rule:
    """A text that means something to a program: never cut."""

    def rule(value: Any, fitting: Fitting, where: str) -> str:
        if not isinstance(value, str) or not least <= len(value) <= limit:
            raise UnfitBlocks(f"{where} must have {least} to {limit} characters: {value!r:.80}")
        return value

    return rule


def each(limit: int, item: Rule) -> Rule:
    """A list of one to `limit` things."""

    def rule(value: Any, fitting: Fitting, where: str) -> list[Any]:
        if not 1 <= len(value) <= limit:
            raise UnfitBlocks(f"{where} must have 1 to {limit} parts, not {len(value)}")
        return [item(part, fitting, f"{where}[{at}]") for at, part in enumerate(value)]

    return rule


def shape(**fields: Rule) -> Rule:
    """An object whose fields have these rules; others are as they are."""

    def rule(value: Any, fitting: Fitting, where: str) -> dict[str, Any]:
        return {
            name: fields[name](part, fitting, f"{where}.{name}") if name in fields else part
            for name, part in value.items()
        }

    return rule


def by_type(kinds: Mapping[str, Rule]) -> Rule:
    """An object whose `type` says which rule it has."""

    def rule(value: Any, fitting: Fitting, where: str) -> Any:
        if value.get("type") not in kinds:
            raise UnfitBlocks(f"{where} is of type {value.get('type')!r}, which has no place there")
        return kinds[value["type"]](value, fitting, f"{where}({value['type']})")

    return rule


def _needing_one_of(names: Sequence[str], inner: Rule) -> Rule:
    def rule(value: Any, fitting: Fitting, where: str) -> Any:
        if not any(value.get(name) for name in names):
            raise UnfitBlocks(f"{where} needs {' or '.join(names)}")
        return inner(value, fitting, where)

    return rule


def _choosing(field: str, inner: Rule) -> Rule:
    """What is chosen at first is one of what can be chosen."""

    def rule(value: Any, fitting: Fitting, where: str) -> Any:
        chosen = value.get(field, [])
        chosen = chosen if isinstance(chosen, list | tuple) else [chosen]
        if any(option not in value["options"] for option in chosen):
            raise UnfitBlocks(f"{where}.{field} is not among its options")
        return inner(value, fitting, where)

    return rule


def _distinct_actions(inner: Rule) -> Rule:
    """No two elements of a block share an action_id."""

    def rule(value: Any, fitting: Fitting, where: str) -> Any:
        ids = [element["action_id"] for element in value["elements"] if "action_id" in element]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise UnfitBlocks(f"{where} has two elements {', '.join(sorted(twice))}")
        return inner(value, fitting, where)

    return rule


ID = fixed(255)
URL = fixed(3000)
CONFIRM = shape(title=text(100), text=text(300), confirm=text(30), deny=text(30))
OPTION = shape(text=text(75), value=fixed(150), description=text(75), url=URL)
_CONTROL: dict[str, Rule] = {"action_id": ID, "confirm": CONFIRM, "placeholder": text(150)}

IMAGE = _needing_one_of(
    ("image_url", "slack_file"), shape(alt_text=string(2000), image_url=URL, title=text(2000))
)
BUTTON = shape(
    action_id=ID,
    text=text(75),
    value=fixed(2000),
    url=URL,
    confirm=CONFIRM,
    accessibility_label=string(75),
)
CHECKBOXES = _choosing(
    "initial_options",
    shape(**_CONTROL, options=each(10, OPTION), initial_options=each(10, OPTION)),
)
RADIO = _choosing(
    "initial_option", shape(**_CONTROL, options=each(10, OPTION), initial_option=OPTION)
)
OVERFLOW = shape(**_CONTROL, options=each(5, OPTION))
SELECT = _choosing(
    "initial_option", shape(**_CONTROL, options=each(100, OPTION), initial_option=OPTION)
)
MULTI_SELECT = _choosing(
    "initial_options",
    shape(**_CONTROL, options=each(100, OPTION), initial_options=each(100, OPTION)),
)
TEXT_INPUT = shape(**_CONTROL, initial_value=string(3000))
CONTROLS: dict[str, Rule] = {
    "button": BUTTON,
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO,
    "overflow": OVERFLOW,
    "static_select": SELECT,
    **dict.fromkeys(
        ("users_select", "channels_select", "conversations_select", "datepicker", "timepicker"),
        shape(**_CONTROL),
    ),
}
INPUTS: dict[str, Rule] = {
    **{name: rule for name, rule in CONTROLS.items() if name not in ("button", "overflow")},
    "multi_static_select": MULTI_SELECT,
    "multi_users_select": shape(**_CONTROL),
    "plain_text_input": TEXT_INPUT,
}
BLOCKS: dict[str, Rule] = {
    "section": _needing_one_of(
        ("text", "fields"),
        shape(
            block_id=ID,
            text=text(3000),
            fields=each(10, text(2000)),
            accessory=by_type({**CONTROLS, "multi_static_select": MULTI_SELECT, "image": IMAGE}),
        ),
    ),
    "header": shape(block_id=ID, text=text(150)),
    "context": shape(
        block_id=ID,
        elements=each(
            10, by_type({"mrkdwn": text(3000), "plain_text": text(3000), "image": IMAGE})
        ),
    ),
    "actions": _distinct_actions(shape(block_id=ID, elements=each(25, by_type(CONTROLS)))),
    "divider": shape(block_id=ID),
    "image": _needing_one_of(
        ("image_url", "slack_file"),
        shape(block_id=ID, alt_text=string(2000), image_url=URL, title=text(2000)),
    ),
    "input": shape(block_id=ID, label=text(2000), hint=text(2000), element=by_type(INPUTS)),
}
MODAL = shape(
    title=text(24),
    submit=text(24),
    close=text(24),
    callback_id=fixed(255, least=0),
    private_metadata=fixed(3000, least=0),
)


def fit_blocks(blocks: Sequence[Any], fitting: Fitting) -> list[dict[str, Any]]:
    """Each block made to fit, as many as there are.

    Raises UnfitBlocks where cutting does not help, also where two blocks share a block_id.
    """
    block = by_type(BLOCKS)
    fitted = [block(part, fitting, f"blocks[{at}]") for at, part in enumerate(blocks)]
    ids = [part["block_id"] for part in fitted if "block_id" in part]
    if twice := {name for name in ids if ids.count(name) > 1}:
        raise UnfitBlocks(f"two blocks share the block_id {', '.join(sorted(twice))}")
    return fitted
