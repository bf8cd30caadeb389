"""What people are called in menus and plans, where Slack renders no mention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.slack.client import SlackClient
from bot.slack.directory import names_of


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
        if unknown := people - self._known.keys():
            self._known |= await names_of(self._client, unknown)
        return {actor: self._called(actor) for actor in asked}

    def _called(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        if kind == "slack":
            return f"@{self._known[name]}" if name in self._known else name
        return f"{name} at the terminal" if kind == "os" else "the schedule"
