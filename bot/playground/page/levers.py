"""What can be broken on purpose from the page's side panel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Lever:
    """One thing to break and to mend. The page knows nothing else of what is behind it.

    `title` and `about` are what people read, a few words and one sentence. `is_broken` is asked
    whenever the panel is drawn, so it is quick. `mend` is None for what mends itself.
    """

    title: str
    about: str
    break_it: Callable[[], Awaitable[None]]
    is_broken: Callable[[], bool]
    mend: Callable[[], Awaitable[None]] | None = None
