"""Where people write: a box that completes names and commands, and takes files along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from bot.playground.page.completion import completions
from bot.playground.page.routes import upload_url
from bot.playground.people import ActingPerson
from bot.playground.server import LocalSlack
from bot.playground.workspace import Channel

Send = Callable[[str, list[str]], Awaitable[None]]


class Composer(ui.element, component="composer.js"):
    """Calls `send` with the text and the IDs of uploaded files when the person presses Enter.

    What is half written stays in the browser tab, under the channel and thread it was meant for.
    """

    def __init__(
        self,
        slack: LocalSlack,
        person: ActingPerson,
        channel: Channel,
        send: Send,
        *,
        placeholder: str,
        thread: str = "",
    ) -> None:
        super().__init__()
        self._send = send
        self.props["placeholder"] = placeholder
        self.props["completions"] = completions(slack)
        self.props["draft"] = f"draft:{person.id}:{channel.id}:{thread}"
        self.props["upload-url"] = upload_url(person.id)
        self.on("send", self._sent)

    def take_focus(self) -> None:
        """Put the cursor into the box, where there is a real keyboard."""
        self.run_method("takeFocusForTyping")

    def follow(self, slack: LocalSlack) -> None:
        """Complete what there is now: people and channels come and go."""
        found = completions(slack)
        if self.props["completions"] != found:
            self.props["completions"] = found
            self.update()

    async def _sent(self, event: events.GenericEventArguments) -> None:
        sent: dict[str, Any] = event.args
        await self._send(str(sent["text"]), [str(each) for each in sent["files"]])
