"""What people are called where Slack renders no mention: in menus, and at the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot.errors import OpsbellError
from bot.slack.client import SlackClient, slack_errors

logger = logging.getLogger(__name__)

# A person waits for what the names stand in.
LIMIT = timedelta(seconds=2)


class Names:
    """Asks Slack for each person once in the life of a process."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    async def of(self, actors: Iterable[str]) -> Mapping[str, str]:
        """Actors of the event log → `@Ada`, `root at the terminal`, `the schedule`.

        The ID stands for whom Slack does not name in time. Never raises.
        """
        asked = {*actors}
        people = {actor.removeprefix("slack:") for actor in asked if actor.startswith("slack:")}
        if self._client.token and (unknown := sorted(people - self._known.keys())):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LIMIT.total_seconds()):
                    await asyncio.gather(*map(self._ask, unknown))
        return {actor: self._called(actor) for actor in asked}

    async def _ask(self, user: str) -> None:
        try:
            with slack_errors("users.info"):
                found: Mapping[str, Any] = (await self._client.users_info(user=user))["user"]
        except OpsbellError as error:
            logger.warning("name not known", extra={"user": user, "error": str(error)})
            return
        profile = found.get("profile") or {}
        names = (profile.get("display_name"), profile.get("real_name"), found.get("name"))
        self._known[user] = "@" + next((str(name) for name in names if name), user)

    def _called(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        if kind == "slack":
            return self._known.get(name, name)
        return f"{name} at the terminal" if kind == "os" else "the schedule"
