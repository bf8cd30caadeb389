"""The two modals of a list: all that is known of its items, and what else can be done with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from bot.checklists.model import Item, Run
from bot.checklists.store import Entry
from bot.checklists.text import actor_name, clip, fitted, mention, one_line
from bot.checklists.view import closed_by, evidence, pages
from bot.slack import blocks
from bot.slack.message import Block
from bot.words import Sign

MORE = "checklist.more"
CHOOSE = "checklist.choose"

# What a section (3,000 characters) and a context's texts may be made of, at most.
TEXT, DETAIL, NOTE, ENTRIES = 600, 1_500, 1_200, 8

History = Mapping[int, Sequence[Entry]]

_SAID = {
    "item.ticked": "ticked",
    "item.unticked": "opened again",
    "item.not_applicable": "marked not applicable",
    "item.noted": "noted",
    "item.claimed": "claimed",
    "item.unclaimed": "gave back",
    "item.refreshed": "asked for new evidence",
}


class Deed(StrEnum):
    """What can be done with an item beyond its checkbox."""

    NOT_APPLICABLE = "not_applicable"
    NOTE = "note"
    CLAIM = "claim"
    UNCLAIM = "unclaim"
    REFRESH = "refresh"

    @property
    def label(self) -> str:
        """What the menu calls it."""
        return {
            Deed.NOT_APPLICABLE: "Not applicable, with a reason",
            Deed.NOTE: "Write a note",
            Deed.CLAIM: "Claim it",
            Deed.UNCLAIM: "Give the claim back",
            Deed.REFRESH: "Look for its evidence again",
        }[self]

    @property
    def needs_text(self) -> str:
        """What is wrong where no text was given; "" where none is needed."""
        return {
            Deed.NOT_APPLICABLE: "Say why it does not apply.",
            Deed.NOTE: "Write the note.",
        }.get(self, "")


def place(run: Run, page: int) -> str:
    """What a modal carries: which run, and which of its messages it was opened from."""
    return f"{run.id}:{page}"


def details(run: Run, page: int, history: History) -> dict[str, Any]:
    """Everything known of the items of one message."""
    when = blocks.moment(run.posted_at, "{date_short_pretty} {time}")
    rows = [blocks.context(f"posted {when} by {actor_name(run.actor)} · checklist {run.id}")]
    rows += [block for item in _items(run, page) for block in _item(run, item, history)]
    return blocks.modal("checklist.details", "Details", rows, metadata=place(run, page))


def more(run: Run, page: int, history: History, chosen: int = 0) -> dict[str, Any]:
    """Asks which item and what to do; what is known of the chosen item stands below the menu."""
    choices = {item.position: _choice(item) for item in _items(run, page)}
    which = blocks.select(CHOOSE, "Choose an item", list(choices.values()), choices.get(chosen))
    deeds = [blocks.choice(deed.label, deed.value) for deed in Deed]
    item = run.item(chosen)
    return blocks.modal(
        MORE,
        "More",
        [
            # A choice is told at once, so that what is known of the item can be shown.
            {**blocks.field("Item", which, block_id="item"), "dispatch_action": True},
            *(_item(run, item, history) if item else ()),
            blocks.field("What", blocks.select("what", "Choose", deeds), block_id="what"),
            blocks.field(
                "Reason or note",
                blocks.text_input("text", multiline=True, limit=500),
                block_id="text",
                optional=True,
            ),
        ],
        submit="Save",
        close="Cancel",
        metadata=place(run, page),
    )


def _items(run: Run, page: int) -> Sequence[Item]:
    split = pages(run)
    return split[page - 1] if 1 <= page <= len(split) else ()


def _choice(item: Item) -> Block:
    text = one_line(f"{item.position}. {item.text}")
    return blocks.choice(text if len(text) <= 75 else f"{text[:74]}…", str(item.position))


def _item(run: Run, item: Item, history: History) -> list[Block]:
    """An item with its whole evidence, and below it who did what with it."""
    body = [f"*{fitted(item.text, TEXT)}*"]
    if item.reading:
        body.append(f"{evidence(item.reading, TEXT)} · {blocks.moment(item.reading.taken_at)}")
        if item.reading.detail:
            body.append(blocks.code(clip(item.reading.detail, DETAIL)))
    elif item.check:
        body.append(f"{Sign.OPEN} looking …")
    facts = [f"{Sign.OPEN} open" if item.open else closed_by(run, item, NOTE)]
    if item.who:
        # Only an ID can be shown as a name; nobody is notified by a modal.
        facts.append(f"concerns {mention(item.who, lambda handle: None)}")
    if item.claimed_by:
        facts.append(f"claimed by {actor_name(item.claimed_by)}")
    if item.note:
        facts.append(f"Note by {actor_name(item.noted_by)}: {fitted(item.note, NOTE)}")
    entries = [_entry(entry) for entry in history.get(item.position, ())]
    quiet = ["\n".join(facts)] + (["\n".join(entries[-ENTRIES:])] if entries else [])
    return [blocks.section("\n".join(body)), blocks.context(*quiet)]


def _entry(entry: Entry) -> str:
    said = _SAID.get(entry.action, entry.action)
    text = f": {fitted(entry.text, 150)}" if entry.text else ""
    at = blocks.moment(entry.at, "{date_short_pretty} {time}")
    return f"{at} {actor_name(entry.actor)} {said}{text}"
