"""The local Slack as people see it: a chat workspace in the browser."""

from bot.playground.page.levers import Lever
from bot.playground.page.serving import listen, open_page

__all__ = ["Lever", "listen", "open_page"]
