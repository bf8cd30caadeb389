"""What one opened page shows, shared by all its browser tabs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.playground.page.levers import Lever
from bot.playground.page.read_marks import ReadMarks
from bot.playground.server import LocalSlack


class OpenedPage:
    """A workspace on show, with the levers and notes (mrkdwn) of its side panel.

    `read_marks` is a file to keep in who has read how far.
    """

    def __init__(
        self,
        slack: LocalSlack,
        levers: Sequence[Lever],
        notes: str,
        read_marks: Path | None = None,
    ) -> None:
        self.slack = slack
        self.levers = tuple(levers)
        self.notes = notes
        self.moving: set[str] = set()  # titles of levers that are being pulled, in whichever tab
        self.reads = ReadMarks(slack.workspace, slack.backend.changes, read_marks)


class _Process:
    """Room for the one page that a process can show: NiceGUI serves one app a process."""

    page: OpenedPage | None = None


def current_page() -> OpenedPage:
    """The page on show. Raises LookupError if it was closed."""
    if _Process.page is None:
        raise LookupError("no page is open")
    return _Process.page


def set_current_page(page: OpenedPage | None) -> None:
    """Put a page on show, or none. Raises RuntimeError if there is another one."""
    if page is not None and _Process.page is not None:
        raise RuntimeError("a page is open in this process already")
    _Process.page = page
