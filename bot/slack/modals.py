"""Opening modals within a trigger's three seconds, and filling them later."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Unavailable
from bot.slack.client import SlackRefused, slack_errors
from bot.slack.limits import fit_view
from bot.slack.surface import Request

logger = logging.getLogger(__name__)

_TRIGGER_OVER = {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"}
# Hashes of modals that nobody filled; far more than are open at a time.
REMEMBERED = 1000


class SlackModals:
    """`surface.Modals` on Slack's views. Raises what `slack_errors` raises, and UnfitBlocks."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._unfilled: OrderedDict[str, str] = OrderedDict()

    async def open(self, request: Request, view: Mapping[str, Any]) -> str:
        """Shows a modal, on top of the one the request came from if it came from one; its ID.

        Raises Unavailable where the trigger is over.
        """
        fitted = fit_view(view)
        method = "views.push" if request.view_id else "views.open"
        try:
            with slack_errors(method):
                call = self._client.views_push if request.view_id else self._client.views_open
                answer = await call(trigger_id=request.trigger_id, view=fitted)
        except SlackRefused as refusal:
            if refusal.code in _TRIGGER_OVER:
                raise Unavailable(
                    "The window did not open: Slack's three seconds for it were over.",
                    hint="Do it again.",
                    retryable=False,
                ) from refusal
            raise
        opened = answer["view"]
        self._unfilled[opened["id"]] = opened["hash"]
        while len(self._unfilled) > REMEMBERED:
            self._unfilled.popitem(last=False)
        return str(opened["id"])

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replaces a modal's contents; nothing happens where it was closed meanwhile.

        The first update after `open` here fills the modal, and only as it was opened: what the
        person has brought about since, perhaps through another replica, is newer and stays.
        Later ones answer to what the person does and replace whatever is there.
        """
        fitted = fit_view(view)
        try:
            with slack_errors("views.update"):
                await self._client.views_update(
                    view_id=view_id, view=fitted, hash=self._unfilled.pop(view_id, None)
                )
        except SlackRefused as refusal:
            if refusal.code not in ("not_found", "hash_conflict"):
                raise
            logger.info("modal not updated", extra={"view": view_id, "reason": refusal.code})
