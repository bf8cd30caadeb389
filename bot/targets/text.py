"""Bytes from outside as text that every store and every screen takes."""

import re

_TERMINAL = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\))")
# Control characters but for tab and line end, those that turn the direction of writing, line ends
# that only some readers see, and what has no width, but for the joiner that emoji are made with.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_LAST_OF_FOUR = 0xFFFF


def text_of(data: bytes | bytearray) -> str:
    """Decodes UTF-8; what is none, and each zero byte, becomes U+FFFD."""
    return storable(data.decode(errors="replace"))


def storable(text: str) -> str:
    """`text` with what PostgreSQL refuses replaced: zero bytes by U+FFFD, halves of surrogate
    pairs by `?`."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def visible(text: str) -> str:
    """`text` as it can be stored and shown: what a terminal would take for an order is taken out,
    and what nobody sees, or what would turn the words around it, is written as `\\u202e`."""
    plain = _TERMINAL.sub("", text.replace("\r\n", "\n"))
    return storable(_UNSEEN.sub(lambda found: _written(ord(found[0])), plain))


def _written(point: int) -> str:
    return f"\\u{point:04x}" if point <= _LAST_OF_FOUR else f"\\U{point:08x}"
