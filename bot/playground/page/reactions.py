"""Reactions below a message: who left which, to join in or take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.message import Message
from bot.playground.page.emoji import EMOJI
from bot.playground.page.keyed_list import KeyedList, Update
from bot.playground.page.names import display_name
from bot.playground.page.tab import Tab
from bot.playground.page.tags import set_attributes, tag

# What the buttons beside a message offer: the name of the reaction → its sign.
QUICK = {name: EMOJI[name] for name in ("white_check_mark", "eyes", "+1")}


@dataclass(frozen=True)
class Reaction:
    """One kind of reaction below a message, and who left it."""

    name: str
    users: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.name


class Reactions:
    """The row of reactions; `show` changes it in place, so that the focus stays."""

    def __init__(self, message: Message, tab: Tab) -> None:
        self._message = message
        self._tab = tab
        self._element = tag("div", classes="reactions", role="group", aria_label="Reactions")
        self._list = KeyedList(self._element, self._draw)
        self.show(message)

    def show(self, message: Message) -> None:
        """Show the reactions of this version of the message."""
        self._element.set_visibility(bool(message.reactions))
        self._list.show([Reaction(name, users) for name, users in message.reactions.items()])

    def _draw(self, reaction: Reaction) -> Update[Reaction]:
        button = tag("button", classes="reaction", type="button")
        button.on("click", lambda: toggle(self._tab, self._message, reaction.name))

        def fill(new: Reaction) -> bool:
            who = _names(self._tab, new.users)
            button.text = f"{EMOJI.get(new.name, f':{new.name}:')} {len(new.users)}"
            set_attributes(
                button,
                title=f"{who} reacted with :{new.name}:",
                aria_pressed=self._tab.person.id in new.users,
                aria_label=f"{new.name.replace('_', ' ')}, {who}",
            )
            button.update()
            return True

        fill(reaction)
        return fill


def _names(tab: Tab, users: Sequence[str]) -> str:
    return ", ".join(display_name(tab.workspace, user) for user in users)


async def toggle(tab: Tab, message: Message, name: str) -> None:
    """Leave the reaction, or take it back where the person left it before."""
    try:
        current = tab.slack.current(message)
        if tab.person.id in current.reactions.get(name, ()):
            await tab.person.unreact(current, name)
        else:
            await tab.person.react(current, name)
    except LookupError:
        tab.tell("That message is not there any more")
