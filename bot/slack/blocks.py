"""Block Kit, in the few shapes that Opsbell uses. Texts given here are mrkdwn unless said.

Text that comes from outside goes through `escape` or `literal` first, or into a `paragraph` of its
own; the builders do not escape, because mentions, links and emphasis are built by their callers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from bot import words
from bot.slack.message import Block

# Slack formats between two of these where no letter or digit stands outside them.
_FORMATTING = re.compile(r"`|(?<!\w)([*_~])(?=\S).*?(?<=\S)\1(?!\w)|\*", re.DOTALL)

_MOMENT = re.compile(r"<!date\^\d+\^[^^|<>&]*\|([^<>|&]*)>")
_MOMENTS = re.compile(r"(<!date\^\d+\^[^^|<>&]*\|[^<>|&]*>)")


def escape(text: str) -> str:
    """Makes outside text literal in mrkdwn (the three characters that Slack names)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """A code block; backtick fences inside cannot end it early."""
    inner = escape(text).replace("```", "`\N{ZERO WIDTH SPACE}``")
    return f"```\n{inner}\n```"


def literal(text: str) -> str:
    """Outside text on a line of mrkdwn, its asterisks and the like shown as they are, and the
    moments that were put into it as moments. Where something would be read as formatting, it
    stands in code: Slack knows no other way."""
    parts = _MOMENTS.split(text)
    return "".join(
        part if at % 2 else _without_formatting(part) for at, part in enumerate(parts) if part
    )


def _without_formatting(text: str) -> str:
    if not _FORMATTING.search(text):
        return escape(text)
    inner = escape(text.strip().replace("\n", " ").replace("`", "'"))
    before, after = " " * text[0].isspace(), " " * text[-1].isspace()
    return f"{before}`{inner}`{after}"


def moment(at: datetime, style: str = "{time}", zone: tzinfo | None = None) -> str:
    """A time that each reader sees in their own zone. Where nothing is rendered, as at the
    terminal, it is that of `zone`, by default the configured one, and says so."""
    return f"<!date^{int(at.timestamp())}^{style}|{words.moment(at, zone)}>"


def day_and_time(at: datetime, zone: tzinfo | None = None) -> str:
    """A moment that may be on another day."""
    return moment(at, "{date_short_pretty} {time}", zone)


def without_moments(text: str) -> str:
    """A text that may hold moments for where nothing is rendered: plain text, and the terminal."""
    return _MOMENT.sub(r"\1", text)


def person(user: str) -> str:
    """A mention of a Slack user ID. It notifies when a message is new, not when it is edited."""
    return f"<@{user}>"


def paragraph(text: str) -> Block:
    """Outside text, in which nothing is formatting, a mention or an emoji's name; moments are."""
    if _MOMENTS.search(text):
        return section("\n".join(map(literal, text.splitlines())))
    return {"type": "section", "text": plain(text) | {"emoji": False}}


def section(text: str, *, accessory: Block | None = None, block_id: str = "") -> Block:
    """A paragraph, with at most one control beside it."""
    return _with_id(
        {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        | ({"accessory": accessory} if accessory else {}),
        block_id,
    )


def header(text: str) -> Block:
    """A headline in plain text, 150 characters at most."""
    return {"type": "header", "text": plain(text)}


def context(*texts: str, block_id: str = "") -> Block:
    """A quiet line."""
    return _with_id(
        {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]},
        block_id,
    )


def divider() -> Block:
    """A thin line."""
    return {"type": "divider"}


def actions(*elements: Block, block_id: str = "") -> Block:
    """A row of controls."""
    return _with_id({"type": "actions", "elements": list(elements)}, block_id)


def button(
    label: str,
    action_id: str,
    value: str = "",
    *,
    style: str = "",
    confirm: Block | None = None,
    url: str = "",
) -> Block:
    """A button; `style` is "", "primary" or "danger". What can't be undone carries a `confirm`."""
    optional = {"value": value, "style": style, "confirm": confirm, "url": url}
    return {"type": "button", "text": plain(label), "action_id": action_id} | {
        key: content for key, content in optional.items() if content
    }


def confirm(title: str, text: str, yes: str, no: str = "Cancel") -> Block:
    """A question before a control acts."""
    return {
        "title": plain(title),
        "text": {"type": "mrkdwn", "text": text},
        "confirm": plain(yes),
        "deny": plain(no),
    }


def option(text: str, value: str, *, description: str = "") -> Block:
    """One choice, its text in mrkdwn (checkboxes and radio buttons)."""
    extra = {"description": {"type": "mrkdwn", "text": description}} if description else {}
    return {"text": {"type": "mrkdwn", "text": text}, "value": value} | extra


def choice(text: str, value: str) -> Block:
    """One choice in plain text (selects and overflow menus)."""
    return {"text": plain(text), "value": value}


def checkboxes(action_id: str, options: Sequence[Block], chosen: Sequence[Block] = ()) -> Block:
    """A group of checkboxes; `chosen` must repeat members of `options` to the letter."""
    initial = {"initial_options": list(chosen)} if chosen else {}
    return {"type": "checkboxes", "action_id": action_id, "options": list(options)} | initial


def select(
    action_id: str, placeholder: str, options: Sequence[Block], chosen: Block | None = None
) -> Block:
    """A menu of which one is chosen."""
    initial = {"initial_option": chosen} if chosen else {}
    return {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(placeholder),
        "options": list(options),
    } | initial


def text_input(
    action_id: str, *, multiline: bool = False, initial: str = "", limit: int = 500
) -> Block:
    """A field for text in a modal."""
    optional = {"initial_value": initial} if initial else {}
    return {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": limit,
    } | optional


def field(
    label: str, element: Block, *, block_id: str, hint: str = "", optional: bool = False
) -> Block:
    """A labelled input of a modal."""
    extra = {"hint": plain(hint)} if hint else {}
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    } | extra


def modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str = "",
    close: str = "Close",
    metadata: str = "",
) -> dict[str, Any]:
    """A modal. Title, submit and close hold 24 characters, `metadata` 3,000."""
    extra = {"submit": plain(submit)} if submit else {}
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "close": plain(close),
        "private_metadata": metadata,
        "blocks": list(blocks),
    } | extra


def plain(text: str) -> dict[str, Any]:
    """A plain-text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def _with_id(block: dict[str, Any], block_id: str) -> Block:
    return block | ({"block_id": block_id} if block_id else {})
