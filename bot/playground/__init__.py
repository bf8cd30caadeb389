"""A local Slack: the Web API, Socket Mode and HTTP delivery of one workspace, on this machine.

It speaks Slack's protocols to an unmodified client, refuses what Slack refuses with Slack's own
error codes, lets tests act as the people of the workspace, and does wrong on demand.
"""

from bot.playground.faults import Faults
from bot.playground.files import File
from bot.playground.message import Message
from bot.playground.modals import View
from bot.playground.outcomes import ActionOutcome, CommandOutcome
from bot.playground.people import ActingPerson
from bot.playground.server import LocalSlack
from bot.playground.slash_commands import SlashCommand
from bot.playground.submitting import SubmitResult
from bot.playground.web_api import Call
from bot.playground.workspace import Channel, Person, UserGroup, Workspace

__all__ = [
    "ActingPerson",
    "ActionOutcome",
    "Call",
    "Channel",
    "CommandOutcome",
    "Faults",
    "File",
    "LocalSlack",
    "Message",
    "Person",
    "SlashCommand",
    "SubmitResult",
    "UserGroup",
    "View",
    "Workspace",
]
