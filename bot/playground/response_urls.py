"""response_url: five posts within thirty minutes, also where the app is no member."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import JSON, SlackError
from bot.playground.message import Message
from bot.playground.timeline import Timeline
from bot.playground.validation.messages import check_message
from bot.playground.workspace import Workspace

USES = 5
LIFETIME = 30 * 60.0  # seconds


@dataclass
class Ticket:
    """One response_url: where it posts, for whom, and the message that it stands for."""

    channel: str
    user: str
    made: float
    original: Message | None
    uses: int = 0


class ResponseUrls:
    """All response_urls, by the secret last part of their path."""

    def __init__(
        self, workspace: Workspace, timeline: Timeline, clock: Callable[[], float]
    ) -> None:
        self._workspace = workspace
        self._timeline = timeline
        self._clock = clock
        self._tickets: dict[str, Ticket] = {}

    def new(self, channel: str, user: str, original: Message | None = None) -> str:
        """The path of a fresh response_url, without a leading slash."""
        key = secrets.token_urlsafe(18)
        self._tickets[key] = Ticket(channel, user, self._clock(), original)
        return f"response/{self._workspace.team_id}/{key}"

    def use(self, key: str, body: Any) -> None:
        """Do what an app posts to a response_url. A refusal does not count as a use.

        Raises SlackError: `Expired url`, used_url, invalid_payload, no_text, thread_not_found,
        message_not_found, and what is wrong with the blocks.
        """
        ticket = self._tickets.get(key)
        if ticket is None or self._clock() - ticket.made > LIFETIME:
            raise SlackError("Expired url")
        if ticket.uses >= USES:
            raise SlackError("used_url")
        if not isinstance(body, dict):
            raise SlackError("invalid_payload")
        if body.get("delete_original"):
            self._delete(ticket)
        else:
            self._respond(ticket, body)
        ticket.uses += 1

    def answer(self, path: str, body: Any) -> Message | None:
        """Show what an ack itself carried; it becomes the original of its response_url.

        Raises SlackError as `use` does. An empty body shows nothing.
        """
        if not body:
            return None
        if isinstance(body, str):
            body = {"text": body}
        if not isinstance(body, dict):
            raise SlackError("invalid_payload")
        return self._respond(self._tickets[path.rsplit("/", 1)[-1]], body)

    def _respond(self, ticket: Ticket, body: JSON) -> Message:
        content = _content(body)
        original = self._current(ticket)
        if body.get("replace_original") and original is not None:
            ticket.original = self._replace(original, content)
            return ticket.original
        channel = self._workspace.channels[ticket.channel]
        bot = self._workspace.app.user_id
        content["thread_ts"] = body.get("thread_ts") or None
        if content["thread_ts"] and content["thread_ts"] not in channel.messages:
            raise SlackError("thread_not_found")
        if body.get("response_type") == "in_channel":
            message = self._timeline.post(channel, bot, **content)
        else:
            message = self._timeline.whisper(channel, bot, ticket.user, **content)
        ticket.original = ticket.original or message
        return message

    def _replace(self, original: Message, content: JSON) -> Message:
        if original.ephemeral_for:
            return self._timeline.edit_whisper(original, **content)
        return self._timeline.edit(original, **content)

    def _delete(self, ticket: Ticket) -> None:
        original = self._current(ticket)
        if original is None:
            raise SlackError("message_not_found")
        if original.ephemeral_for:
            self._timeline.delete_whisper(original)
        else:
            self._timeline.delete(original)

    def _current(self, ticket: Ticket) -> Message | None:
        if ticket.original is None:
            return None
        seen_by = ticket.original.ephemeral_for
        if seen_by:
            return self._workspace.ephemerals_of(seen_by).get(ticket.original.ts)
        return self._workspace.channels[ticket.channel].messages.get(ticket.original.ts)


def _content(body: JSON) -> JSON:
    blocks = body.get("blocks") or []
    attachments = body.get("attachments") or []
    text = body.get("text") or ""
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    try:
        check_message(blocks, attachments)
    except SlackError as refusal:
        raise SlackError(refusal.code) from None  # here Slack tells nothing of what is wrong
    return {"text": text, "blocks": blocks, "attachments": attachments}
