"""The wording that the messages about a configuration share."""

import difflib
from collections.abc import Iterable

_LONGEST = 80


def quoted(text: str) -> str:
    """A found text in quotes: one line, cut where it is long."""
    line = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f'"{line}"' if len(line) <= _LONGEST else f'"{line[:_LONGEST]}…"'


def one_of(names: Iterable[str], found: str = "") -> str:
    """The choices there are, as the end of a sentence, with a hint at the one most like `found`."""
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"one of: {', '.join(listed)}{nearest(found, listed)}"


def nearest(found: str, names: Iterable[str]) -> str:
    """`` (did you mean NAME?)`` where one of the names resembles what was found, else nothing."""
    match = difflib.get_close_matches(found, list(names), n=1)
    return f" (did you mean {match[0]}?)" if match else ""
