"""`/checklist`: the lists there are, posting one by hand, how they stand and how they went."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.checklists import reports
from bot.checklists.chart import completion_chart
from bot.checklists.lookup import Lookup
from bot.checklists.service import Checklists
from bot.checklists.text import channel_name
from bot.errors import NotFound, Unavailable, UsageError
from bot.slack.blocks import escape
from bot.slack.message import Message
from bot.slack.posts import Posts
from bot.slack.surface import Answer, Call, Command, Modals, Request, Usage
from bot.store.database import Transaction

ACCESS = "checklist"
LINKS_LIMIT = timedelta(seconds=2)
WORDS = ("list", "post", "status", "history")
USAGES = (
    Usage("/checklist [list]", "The checklists and when they come next"),
    Usage("/checklist post NAME", "Post one now", "/checklist post daily"),
    Usage("/checklist status [NAME]", "What is open"),
    Usage("/checklist history [NAME]", "How often each item was done"),
)


class ChecklistCommand:
    """Parses the words and asks the checklists."""

    def __init__(self, checklists: Checklists, lookup: Lookup, posts: Posts) -> None:
        self._checklists = checklists
        self._lookup = lookup
        self._posts = posts

    def command(self) -> Command:
        """What is registered."""
        summary = "Post, follow and look back on checklists"
        return Command("checklist", summary, USAGES, self.parse, WORDS)

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        word, *rest = request.text.split() or ["list"]
        if len(rest) > 1:
            raise UsageError(f"Too many words after {word}: one name at most.")
        name = self._known(rest[0]) if rest else ""
        match word.lower():
            case "list" if not rest:
                return Call(ACCESS, query=self._list)
            case "post" if name:
                return Call(ACCESS, change=lambda request, tx: self._post(request, tx, name))
            case "status":
                return Call(ACCESS, query=lambda request, modals: self._status(name))
            case "history":
                return Call(ACCESS, query=lambda request, modals: self._history(name))
            case "post":
                raise UsageError("Say which checklist to post.")
            case "list":
                raise UsageError("list takes no name; status NAME says how one stands.")
        raise UsageError(f"/checklist does not know {word}.")

    async def _list(self, request: Request, modals: Modals) -> Answer:
        found = await self._lookup.statuses()
        message = reports.listing(found, self._zone, self._checklists.now())
        return Answer(message, data={"checklists": [reports.status_data(each) for each in found]})

    async def _post(self, request: Request, tx: Transaction, name: str) -> Answer:
        run = await self._checklists.post(tx, name, None, request.actor)
        if run is None:
            raise LookupError("a posting by hand has no due time, so it is never there already")
        sentence = f"{escape(run.title)} is posted in {channel_name(run.channel)}."
        return Answer(Message(sentence), data={"posting": reports.run_data(run)})

    async def _status(self, name: str) -> Answer:
        found = await self._lookup.statuses(name)
        links = await self._links([status.run.key for status in found if status.run])
        message = reports.standing(found, links, self._zone, self._checklists.now())
        return Answer(message, data={"checklists": [reports.status_data(each) for each in found]})

    async def _history(self, name: str) -> Answer:
        names = list(self._checklists.settings.checklists)
        if name or len(names) == 1:
            return await self._history_of(name or names[0])
        runs = {each: await self._lookup.ended(each) for each in names}
        slash = f"/{self._checklists.settings.slack.command_prefix}checklist"
        message = reports.past_of_all(runs, await self._lookup.statuses(), slash=slash)
        return Answer(message, data={each: reports.past_data(runs[each]) for each in names})

    async def _history_of(self, name: str) -> Answer:
        title = self._checklists.configured(name).title
        runs = await self._lookup.ended(name)
        message, data = reports.past(title, runs), {name: reports.past_data(runs)}
        if not runs:
            return Answer(message, data=data)
        oldest_first = runs[::-1]
        days = [run.day(self._zone).partition(" ")[2] for run in oldest_first]
        chart = await completion_chart(title, oldest_first, days)
        return Answer(message, uploads=(chart,), data=data)

    async def _links(self, keys: list[str]) -> dict[str, str]:
        """Links to the posts; the answer is worth having without those that Slack does not give."""
        try:
            async with asyncio.timeout(LINKS_LIMIT.total_seconds()):
                links = await asyncio.gather(*map(self._posts.permalink, keys))
        except (Unavailable, TimeoutError):
            return {}
        return {key: link for key, link in zip(keys, links, strict=True) if link}

    def _known(self, typed: str) -> str:
        """The configured name that was meant; phones like to begin words with a capital."""
        names = self._checklists.settings.checklists
        name = next((each for each in names if each.lower() == typed.lower()), typed)
        try:
            self._checklists.configured(name)
        except NotFound as error:
            raise UsageError(error.message, hint=error.hint) from error
        return name

    @property
    def _zone(self) -> ZoneInfo:
        return self._checklists.settings.timezone
