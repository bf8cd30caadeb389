"""Tables of the two table blocks.

For data_table Slack's own docs and a newer third-party account disagree; the docs' smaller
number of rows (2 to 101) holds here.
"""

from __future__ import annotations

from typing import Any

from bot.playground.validation.composition import ID
from bot.playground.validation.rich_text import RICH_TEXT
from bot.playground.validation.schema import (
    Check,
    Problem,
    Problems,
    anything,
    boolean,
    by_type,
    choice,
    integer,
    listing,
    shape,
    string,
)
from bot.playground.visible import visible_texts

DATA_TABLE_TEXT = 20_000  # characters in all cells together


_CELL = by_type(
    {
        "raw_text": shape({"text": string()}),
        "raw_number": shape({"value": anything}, {"text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN: Check = shape({}, {"align": choice("left", "center", "right"), "is_wrapped": boolean})


def _text_fits(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    if sum(len(text) for text in visible_texts(value["rows"])) > DATA_TABLE_TEXT:
        message = f"must be less than {DATA_TABLE_TEXT + 1} characters"
        problems.append(Problem(f"{pointer}/rows", message, "too_long", DATA_TABLE_TEXT))


TABLE = shape(
    {"rows": listing(listing(_CELL, 20), 100)},
    {"block_id": ID, "column_settings": listing(_COLUMN, 20)},
)
DATA_TABLE = shape(
    {"rows": listing(listing(_CELL, 20), 101, least=2), "caption": string()},
    {
        "block_id": ID,
        "page_size": integer(1, 100),
        "row_header_column_index": integer(0, 19),
    },
    _text_fits,
)
