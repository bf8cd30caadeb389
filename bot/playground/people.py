"""A human at their own screen: what they type, click, fill in and see."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from bot.playground import interactions
from bot.playground.acting import act, ask_options, send
from bot.playground.backend import Backend
from bot.playground.choosing import (
    BUTTONS,
    entered_value,
    find_checkbox,
    find_element,
    find_option,
)
from bot.playground.errors import JSON, SlackError
from bot.playground.files import File
from bot.playground.interactions import Surface
from bot.playground.message import Message
from bot.playground.modals import View
from bot.playground.outcomes import ActionOutcome, CommandOutcome
from bot.playground.screen import STATEFUL, Screen
from bot.playground.submitting import SubmitResult, close_views, submit_view
from bot.playground.typing_text import as_sent
from bot.playground.visible import Placed
from bot.playground.workspace import Channel, Person


class ActingPerson:
    """One human of the workspace; every action reaches the app as Slack would send it."""

    def __init__(self, backend: Backend, person: Person) -> None:
        self.person = person
        self._backend = backend
        self._screens: dict[tuple[str, str], Screen] = {}

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def dm(self) -> Channel:
        """The direct conversation with the app."""
        return self._backend.workspace.direct_channel(self.id)

    @property
    def home(self) -> View | None:
        """The app's Home as published for this person."""
        return self._backend.views.homes.get(self.id)

    def ephemerals(self, channel: str | Channel | None = None) -> list[Message]:
        """The ephemeral messages on this person's screen, newest last."""
        shown = list(self._backend.workspace.ephemerals_of(self.id).values())
        if channel is None:
            return shown
        place = self._backend.workspace.find_channel(channel)
        return [message for message in shown if message.channel == place.id]

    async def wait_for_ephemeral(
        self, channel: str | Channel | None = None, text: str = "", timeout: float = 30
    ) -> Message:
        """The newest ephemeral message that contains `text`, now or when it comes."""

        def fits() -> Message | None:
            shown = [each for each in self.ephemerals(channel) if each.contains(text)]
            return shown[-1] if shown else None

        if shown := fits():
            return shown
        return await self._backend.changes.wait_for(lambda _changed: fits(), timeout)

    async def command(
        self, line: str, channel: str | Channel, thread: Message | None = None
    ) -> CommandOutcome:
        """Type a slash command into a channel."""
        place = self._place(channel)
        name = line.split(" ", 1)[0]
        if thread is not None:
            return CommandOutcome(acked=False, error="not_supported_in_threads")
        if self._backend.commands is not None and name not in self._backend.commands:
            return CommandOutcome(acked=False, error="unknown_command")
        if self._backend.should_escape:
            line = as_sent(line, self._backend.workspace, with_names=True)
        payload = interactions.command_payload(self._backend, self.person, place, line)
        started = time.perf_counter()
        answer = await self._backend.dispatcher.request("slash_commands", payload)
        seconds = time.perf_counter() - started
        response, error = None, answer.error
        if answer.acked:
            try:
                url = payload["response_url"]
                response = self._backend.response_urls.answer(url, answer.body)
            except SlackError as refusal:
                error = refusal.code
        trigger_id, response_url = payload["trigger_id"], payload["response_url"]
        return CommandOutcome(answer.acked, seconds, error, response, trigger_id, response_url)

    async def say(
        self,
        text: str,
        channel: str | Channel,
        thread: Message | None = None,
        files: Sequence[File] = (),
    ) -> Message:
        """Write a message, with uploaded files if any; a mention also goes out as app_mention."""
        backend, place = self._backend, self._place(channel)
        text = as_sent(text, backend.workspace)
        thread_ts = (thread.thread_ts or thread.ts) if thread is not None else None
        if files:
            message = backend.share(files, place, thread_ts, text, by=self.id)
        else:
            message = backend.timeline.post(place, self.id, text=text, thread_ts=thread_ts)
        if f"<@{backend.bot_id}" in text and place.kind != "im":
            event: JSON = {"type": "app_mention", "user": self.id, "text": text, "ts": message.ts}
            event |= {"team": backend.workspace.team_id, "channel": place.id}
            event["event_ts"] = message.ts
            if thread_ts:
                event["thread_ts"] = thread_ts
            backend.events.publish(place, event)
        return message

    async def react(self, message: Message, name: str) -> None:
        """Leave a reaction."""
        self._react(message, name, add=True)

    async def unreact(self, message: Message, name: str) -> None:
        """Take a reaction back."""
        self._react(message, name, add=False)

    async def join(self, channel: str | Channel) -> None:
        """Join a public channel."""
        self._backend.admit(self._backend.workspace.find_channel(channel), self.id)

    async def open_home(self, tab: str = "home") -> None:
        """Open the app's Home (or its `messages` tab)."""
        event: JSON = {"type": "app_home_opened", "user": self.id, "channel": self.dm.id}
        event |= {"tab": tab, "event_ts": self._backend.workspace.new_ts(self._backend.clock())}
        if self.home is not None:
            event["view"] = self._backend.views.json(self.home)
        self._backend.events.publish(self.dm, event)

    async def upload(self, name: str, content: bytes) -> File:
        """A file to put into a file input."""
        return self._backend.files.add(name, content, self.id)

    async def click(
        self,
        surface: Surface,
        button: str,
        *,
        block_id: str | None = None,
        confirm: bool = True,
        stale: bool = False,
    ) -> ActionOutcome:
        """Press a button, found by its words or action_id (in the block `block_id`, if given).

        A confirmation is given, or declined with `confirm=False`. Raises LookupError if the
        button is not to be seen.
        """
        surface = self._seen(surface, stale=stale)
        blocks = [each for each in surface.blocks if block_id in (None, each["block_id"])]
        placed = find_element(blocks, self.id, button, BUTTONS)
        if "confirm" in placed.element and not confirm:
            return ActionOutcome()
        return await self.act(surface, placed, None)

    async def tick(
        self, surface: Surface, box: str, value: str | None = None, *, stale: bool = False
    ) -> ActionOutcome:
        """Toggle a checkbox, found by block_id, action_id or (part of) its words.

        With `stale`, the person acts on the very version passed in, whatever became of it.
        Raises LookupError.
        """
        surface = self._seen(surface, stale=stale)
        placed, option = find_checkbox(surface.blocks, self.id, box, value)
        ticked = list(self.screen(surface).value(placed))
        kept = [each for each in ticked if each["value"] != option["value"]]
        return await self.act(surface, placed, kept if len(kept) < len(ticked) else [*kept, option])

    async def select(
        self, surface: Surface, action_id: str, option: Any, *, stale: bool = False
    ) -> ActionOutcome:
        """Choose in a menu, radio buttons or a picker (see `entered_value` for what to pass)."""
        surface = self._seen(surface, stale=stale)
        placed = find_element(surface.blocks, self.id, action_id, STATEFUL)
        return await self.act(surface, placed, await self._entered(surface, placed, option))

    async def overflow(
        self, surface: Surface, action_id: str, option: str, *, stale: bool = False
    ) -> ActionOutcome:
        """Choose an entry of an overflow menu by its words or value. Raises LookupError."""
        surface = self._seen(surface, stale=stale)
        placed = find_element(surface.blocks, self.id, action_id, {"overflow"})
        return await self.act(surface, placed, find_option(placed.element, option))

    async def shortcut(self, callback_id: str, message: Message | None = None) -> ActionOutcome:
        """Use a global shortcut, or one on a message."""
        if message is not None:
            message = self._seen_message(message)
        payload = interactions.shortcut(self._backend, self.person, callback_id, message)
        return await send(self._backend, payload)

    async def suggestions(self, surface: Surface, action_id: str, typed: str) -> list[JSON]:
        """The options that the app offers for what was typed into an external select."""
        placed = find_element(surface.blocks, self.id, action_id)
        groups = await self.offered(surface, placed, typed)
        return [option for group in groups for option in group["options"]]

    async def offered(self, surface: Surface, placed: Placed, typed: str) -> list[JSON]:
        """What the app offers for what was typed: option groups, one without a label if need be."""
        return await ask_options(self._backend, self.person, surface, placed, typed)

    async def wait_for_view(
        self, timeout: float = 30, where: Callable[[View], bool] | None = None
    ) -> View:
        """The modal in front of this person that fits, now or as soon as there is one."""

        def fits() -> View | None:
            view = self._backend.views.top(self.id)
            return view if view is not None and (where is None or where(view)) else None

        if shown := fits():
            return shown
        return await self._backend.changes.wait_for(lambda _changed: fits(), timeout)

    async def act(self, surface: Surface, placed: Placed, value: Any = None) -> ActionOutcome:
        """Use exactly this element of the very version of the surface that is passed in.

        `value` is what the element then holds (for an overflow menu or feedback, the choice), as
        payloads write it. Raises LookupError if the surface is not in front of this person.
        """
        surface = self._seen(surface, stale=True)
        return await act(self._backend, self.person, surface, self.screen(surface), placed, value)

    def screen(self, surface: Surface) -> Screen:
        """What this person has entered in the message or view."""
        if isinstance(surface, View):
            return surface.screen
        return self._screens.setdefault((surface.channel, surface.ts), Screen())

    async def submit(self, view: View, values: dict[str, Any] | None = None) -> SubmitResult:
        """Fill in a modal, by block_id, action_id or label, and submit it. Raises LookupError."""
        self._seen(view, stale=False)
        for name, raw in (values or {}).items():
            placed = find_element(view.blocks, self.id, name, STATEFUL)
            view.screen.enter(placed, await self._entered(view, placed, raw))
        return await submit_view(self._backend, view)

    async def close(self, view: View, *, everything: bool = False) -> None:
        """Close a modal with its Cancel or Close button, or all of the stack with its corner."""
        self._seen(view, stale=False)
        await close_views(self._backend, view, everything=everything)

    async def _entered(self, surface: Surface, placed: Placed, raw: Any) -> Any:
        element = placed.element
        if "external_select" in element["type"] and isinstance(raw, str):
            offered = await self.suggestions(surface, placed.action_id, raw)
            raw = find_option({"options": offered}, raw)
        return entered_value(placed, raw, self._backend.workspace)

    def _react(self, message: Message, name: str, *, add: bool) -> None:
        seen = self._seen_message(message)
        if (self.id in seen.reactions.get(name, ())) is add:
            raise LookupError(f"{name} is {'already' if add else 'not'} there")
        self._backend.timeline.react(seen, self.id, name, add=add)

    def _place(self, channel: str | Channel) -> Channel:
        place = self._backend.workspace.find_channel(channel)
        if self.id not in place.members:
            raise LookupError(f"{self.person.name} is not in {place.name}")
        return place

    def _seen(self, surface: Surface, *, stale: bool) -> Surface:
        """The surface as it is on this person's screen now. Raises LookupError if it is not."""
        if isinstance(surface, Message):
            self._place(self._backend.workspace.channels[surface.channel])
            return surface if stale else self._seen_message(surface)
        if surface is not self.home and surface is not self._backend.views.top(self.id):
            raise LookupError(f"{surface.title or surface.id} is not in front of them")
        return surface

    def _seen_message(self, message: Message) -> Message:
        workspace = self._backend.workspace
        shown = self._place(workspace.channels[message.channel]).messages
        if message.ephemeral_for:
            shown = workspace.ephemerals_of(self.id)
        if message.ts not in shown:
            raise LookupError(f"message {message.ts} is not to be seen any more")
        return shown[message.ts]
