"""What Slack takes in one message or modal, and how what is more is made to fit.

Texts are cut, with a note; a message's whole text then goes into its thread as a file. What
can't be cut without changing what it does (an ID, a value, too many choices) is a defect of who
built it: UnfitBlocks, raised before anything leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.block_rules import MODAL, Fitting, UnfitBlocks, fit_blocks
from bot.slack.blocks import escape
from bot.slack.cutting import cut_bytes, readable, size
from bot.slack.message import Block, Message

__all__ = ["Fitted", "UnfitBlocks", "fit", "fit_view"]

# chat.update refuses text over 4,000; by one account it counts bytes.
TEXT_BYTES = 4000
BLOCKS = 50
VIEW_BLOCKS = 100
# Slack refuses messages that show more than some 13,200 characters in all, and documents no
# number: what is built here stays a little below.
RENDERED = 13_000
NOTE = "\n… cut; the whole text is in the thread"
VIEW_NOTE = "\n… cut"
# Where many long texts stand beside controls, all of them are cut shorter until they fit.
CAPS = (3000, 1500, 750, 300, 100)
# What calls or names someone, or a channel; dates call nobody.
_CALL = re.compile(r"<(?:!(?!date\^)|@|#)[^<>]*>")
_CONTROLS = {"actions", "input"}
_MENUS = {"static_select", "multi_static_select", "overflow"}
_NOT_SHOWN = {
    *("type", "block_id", "action_id", "value", "url", "image_url", "style", "confirm"),
    *("alt_text", "initial_option", "initial_options", "accessibility_label"),
}


@dataclass(frozen=True)
class Fitted:
    """A message that Slack takes, and the whole text of one that had to be cut."""

    message: Message
    overflow: str | None


def fit(message: Message) -> Fitted:
    """Makes a message fit. Raises UnfitBlocks where cutting texts does not help."""
    if not message.text.strip():
        raise UnfitBlocks("a message needs its text: it is what a notification shows")
    if not message.blocks:
        text = cut_bytes(message.text, TEXT_BYTES, NOTE)
        overflow = readable(message.text) if text != message.text else None
        return Fitted(Message(text), overflow)
    blocks, is_cut = _fit_all(message.blocks)
    text = _calling_nobody_else(message.text, blocks)
    fitted = Message(cut_bytes(text, TEXT_BYTES, "…"), tuple(blocks))
    if not is_cut:
        return Fitted(fitted, None)
    whole = _whole(message.blocks)
    # A label cut inside a menu is no loss that a file makes good.
    return Fitted(fitted, whole if whole != _whole(blocks) else None)


def _calling_nobody_else(text: str, blocks: Sequence[Block]) -> str:
    """The fallback, in which only those are mentioned whom the blocks mention too.

    Much of a fallback is plain text from elsewhere, such as a tool's last words.
    """
    meant = {call for block in blocks for text in _mrkdwn(block) for call in _CALL.findall(text)}
    return _CALL.sub(lambda call: call[0] if call[0] in meant else escape(call[0]), text)


def fit_view(view: Mapping[str, Any]) -> dict[str, Any]:
    """Makes a modal fit. Raises UnfitBlocks where cutting texts does not help."""
    blocks = fit_blocks(view["blocks"], Fitting(VIEW_NOTE, CAPS[0]))
    if len(blocks) > VIEW_BLOCKS:
        raise UnfitBlocks(f"a modal has {len(blocks)} blocks, {VIEW_BLOCKS} at most")
    if any(block["type"] == "input" for block in blocks) and "submit" not in view:
        raise UnfitBlocks("a modal with inputs needs its submit button")
    frame: dict[str, Any] = MODAL({**view, "blocks": blocks}, Fitting("…", CAPS[0]), "view")
    return frame


def _fit_all(blocks: Sequence[Block]) -> tuple[list[dict[str, Any]], bool]:
    """The blocks cut as little as it takes, and whether they were."""
    for cap in CAPS:
        fitting = Fitting(NOTE, cap)
        fitted = fit_blocks(blocks, fitting)
        kept = _drop_texts(fitted)
        if len(kept) <= BLOCKS and _rendered(kept) <= RENDERED:
            return kept, fitting.is_cut or len(kept) < len(fitted)
    raise UnfitBlocks(
        f"a message's controls alone are more than Slack takes ({len(blocks)} blocks)"
    )


def _drop_texts(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leaves out blocks without controls, from the end, until the rest fits; a note says so.

    The first block says what the message is about, the last who did it: they stay.
    """
    kept = list(blocks)
    droppable = [at for at in range(1, len(kept) - 1) if not _has_control(kept[at])]
    note = {"type": "context", "elements": [{"type": "mrkdwn", "text": NOTE.strip()}]}
    dropped: list[int] = []
    while droppable and (len(kept) > BLOCKS or _rendered(kept) > RENDERED):
        dropped.append(droppable.pop())
        lost = set(dropped)
        kept = [block for at, block in enumerate(blocks) if at not in lost]
        kept.insert(dropped[-1], note)
    return kept


def _has_control(block: Mapping[str, Any]) -> bool:
    return block["type"] in _CONTROLS or block.get("accessory", {}).get("type", "image") != "image"


def _rendered(blocks: Sequence[Mapping[str, Any]]) -> int:
    return sum(size(text) for block in blocks for text in _texts(block))


def _whole(blocks: Sequence[Block]) -> str:
    """All that the blocks say, for the file."""
    parts = ("\n".join(readable(text) for text in _texts(block)) for block in blocks)
    return "\n\n".join(part for part in parts if part)


def _mrkdwn(part: Any) -> Iterator[str]:
    """The texts of a block in which Slack reads mentions."""
    if isinstance(part, Mapping):
        if part.get("type") == "mrkdwn":
            yield part["text"]
        for value in part.values():
            yield from _mrkdwn(value)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _mrkdwn(each)


def _texts(part: Any) -> Iterator[str]:
    """Every text that a block shows, in reading order. A menu shows its placeholder."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        hidden = _NOT_SHOWN | ({"options"} if part.get("type") in _MENUS else set())
        for name, value in part.items():
            if name not in hidden:
                yield from _texts(value)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _texts(each)
