"""Table of rich text: sections, lists, quotes, code, and what stands in their lines."""

from __future__ import annotations

from bot.playground.validation.composition import ID
from bot.playground.validation.schema import (
    Check,
    anything,
    boolean,
    by_type,
    choice,
    integer,
    listing,
    shape,
    string,
)

_STYLE_NAMES = ("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight")
_STYLE = shape({}, dict.fromkeys((*_STYLE_NAMES, "unlink"), boolean))
_STYLED: dict[str, Check] = {"style": _STYLE}
_INLINE: dict[str, Check] = {
    "text": shape({"text": string()}, _STYLED),
    "link": shape({"url": string(3000)}, {**_STYLED, "text": string(), "unsafe": boolean}),
    "emoji": shape(
        {"name": string()}, {**_STYLED, "unicode": string(), "skin_tone": integer(1, 6)}
    ),
    "user": shape({"user_id": string()}, _STYLED),
    "channel": shape({"channel_id": string()}, _STYLED),
    "usergroup": shape({"usergroup_id": string()}, _STYLED),
    "team": shape({"team_id": string()}, _STYLED),
    "broadcast": shape({"range": choice("here", "channel", "everyone")}, _STYLED),
    "color": shape({"value": string()}, _STYLED),
    "date": shape(
        {"timestamp": integer(0), "format": string()},
        {**_STYLED, "url": string(3000), "fallback": string()},
    ),
}
_LINE = listing(by_type(_INLINE), least=0)
_SECTION = shape({"elements": _LINE})
_BORDER: dict[str, Check] = {"border": choice(0, 1)}

RICH_TEXT = by_type(
    {
        "rich_text": shape(
            {
                "elements": listing(
                    by_type(
                        {
                            "rich_text_section": _SECTION,
                            "rich_text_preformatted": shape(
                                {"elements": _LINE}, {**_BORDER, "language": anything}
                            ),
                            "rich_text_quote": shape({"elements": _LINE}, _BORDER),
                            "rich_text_list": shape(
                                {
                                    "elements": listing(by_type({"rich_text_section": _SECTION})),
                                    "style": choice("bullet", "ordered"),
                                },
                                {**_BORDER, "indent": integer(0, 8), "offset": integer(0)},
                            ),
                        }
                    )
                )
            },
            {"block_id": ID},
        )
    }
)
