"""Cutting texts to a length without breaking what Slack reads in them."""

from __future__ import annotations

import html
import re

_FENCE = "```"
# What Slack shows of <…>: the words behind a bar, or what stands there.
_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def size(text: str) -> int:
    """A length that is never below Slack's: UTF-16 units, of which an emoji takes two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int, note: str, *, markdown: bool) -> str:
    """The text in at most `limit` units, ending with the note if it had to be cut.

    In mrkdwn no link, mention or entity is left half, and an open code block is closed.
    """
    if size(text) <= limit:
        return text
    room = max(0, limit - size(note) - (len(_FENCE) + 1 if markdown else 0))
    head = text[:room]
    while size(head) > room:
        head = head[: room - size(head)]
    if markdown:
        head = _whole_tokens(head)
    head = _whole_words(head)
    if markdown and head.count(_FENCE) % 2:
        head += "\n" + _FENCE
    return head + note


def cut_bytes(text: str, limit: int, note: str) -> str:
    """Mrkdwn in at most `limit` bytes of UTF-8, ending with the note if it had to be cut."""
    length = limit
    shorter = text
    while len(shorter.encode()) > limit:
        shorter = cut(text, length, note, markdown=True)
        length -= max(1, (len(shorter.encode()) - limit) // 4)
    return shorter


def readable(text: str) -> str:
    """Mrkdwn as plain text: links, dates and entities in words."""
    return html.unescape(_TOKEN.sub(_words, text))


def _whole_tokens(head: str) -> str:
    if (start := head.rfind("<")) > head.rfind(">"):
        head = head[:start]
    if (start := head.rfind("&")) >= 0 and ";" not in head[start:]:
        head = head[:start]
    while head.endswith("`"):  # part of a fence, perhaps
        head = head[:-1]
    return head


def _whole_words(head: str) -> str:
    """Ends at a line or word where one ends near."""
    for end in ("\n", " "):
        at = head.rfind(end)
        if at > len(head) * 0.9:
            return head[:at]
    return head


def _words(token: re.Match[str]) -> str:
    address, words = token[1], token[2]
    if words is None:
        return address if address[:1] not in "@#!" else f"<{address}>"
    return words if address.startswith(("!date", "@", "#", "!subteam")) else f"{words} ({address})"
