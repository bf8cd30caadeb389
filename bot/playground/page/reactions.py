"""Reactions below a message: who left which, to join in or take back."""

from __future__ import annotations

from bot.playground.message import Message
from bot.playground.page.emoji import EMOJI
from bot.playground.page.names import display_name
from bot.playground.page.tab import Tab
from bot.playground.page.tags import tag

# What the buttons beside a message offer: the name of the reaction → its sign.
QUICK = {name: EMOJI[name] for name in ("white_check_mark", "eyes", "+1")}


def draw_reactions(message: Message, tab: Tab) -> None:
    """A button for each reaction there is."""
    with tag("div", classes="reactions", role="group", aria_label="Reactions"):
        for name, users in message.reactions.items():
            _reaction(message, tab, name, users)


def _reaction(message: Message, tab: Tab, name: str, users: tuple[str, ...]) -> None:
    is_mine = tab.person.id in users
    who = ", ".join(display_name(tab.workspace, user) for user in users)
    button = tag(
        "button",
        f"{EMOJI.get(name, f':{name}:')} {len(users)}",
        classes="reaction",
        type="button",
        title=f"{who} reacted with :{name}:",
        aria_pressed=is_mine,
        aria_label=f"{name.replace('_', ' ')}, {who}",
    )
    button.on("click", lambda: toggle(tab, message, name))


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
