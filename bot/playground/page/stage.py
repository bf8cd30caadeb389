"""What the drawing of blocks, modals and Home needs of the page around it.

The shell implements `Stage`, one for each open browser tab, and hands it to

- `assets.add_to_page()`, once while the page is built: the styles and the script of all below;
- `blocks.render(surface, stage)`, which draws a message's or a view's blocks into the current
  slot; drawn again, into an emptied slot, for each new version of the message;
- `mrkdwn.to_html(text, workspace, verbatim=False)`, for text outside blocks;
- `modal.show_modals(stage)`, once per page: keeps itself current with the person's views;
- `home.render(stage)`, the app's Home, which keeps itself current too.
"""

from __future__ import annotations

from typing import Protocol

from bot.playground.people import ActingPerson
from bot.playground.server import LocalSlack


class Stage(Protocol):
    """One browser tab: who acts in it, in which workspace."""

    @property
    def person(self) -> ActingPerson:
        """Who acts here."""

    @property
    def slack(self) -> LocalSlack:
        """The workspace they are in."""

    def tell(self, text: str) -> None:
        """Show a short notice for a few seconds, such as that the app did not answer."""

    def file_url(self, file_id: str) -> str:
        """Where this page serves an uploaded file to its own browser."""
