"""From a payload to its ack.

What changes something is committed to the inbox before its ack and done by its job; what only
looks is acked at once and answered by a tracked task; what makes no sense is answered in the ack.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.config.settings import Settings
from bot.errors import UsageError
from bot.slack import inbound, present
from bot.slack.answers import Answers
from bot.slack.channel_names import ChannelNames
from bot.slack.deeds import Deeds, entry
from bot.slack.limits import fit
from bot.slack.message import Message
from bot.slack.recent import Recent
from bot.slack.surface import Call, Kind, Request, Surface
from bot.slack.tasks import Tasks
from bot.store.inbox import Inbox, NotTaken

logger = logging.getLogger(__name__)

Ack = Mapping[str, Any]
EMPTY: Ack = {}
OWN = "opsbell"


class Dispatch:
    """Finds what a payload asks for and starts it."""

    def __init__(
        self,
        settings: Settings,
        surface: Surface,
        *,
        inbox: Inbox,
        deeds: Deeds,
        answers: Answers,
        channels: ChannelNames,
        redact: Callable[[str], str],
        tasks: Tasks,
    ) -> None:
        self._surface = surface
        self._inbox = inbox
        self._deeds = deeds
        self._answers = answers
        self._channels = channels
        self._redact = redact
        self._tasks = tasks
        self._prefix = settings.slack.command_prefix
        self._bound = any(target.channels for target in settings.targets.values())
        self._recent = Recent()

    async def receive(self, payload: Mapping[str, Any], bot_user: str) -> Ack:
        """What a payload is acked with; what is nothing to Opsbell is acked empty.

        Raises nothing: what broke here would break again when Slack repeats it.
        """
        try:
            return await self._receive(payload, bot_user)
        except Exception:
            reference = present.new_reference()
            logger.exception("payload broke", extra={"ref": reference})
            return _shown(present.defect(reference)) if "command" in payload else EMPTY

    async def _receive(self, payload: Mapping[str, Any], bot_user: str) -> Ack:
        request = inbound.read(payload, bot_user=bot_user, prefix=self._prefix, redact=self._redact)
        if request is None:
            return {"options": []} if payload.get("type") == "block_suggestion" else EMPTY
        if request.kind is Kind.HOME:
            self._tasks.start(self._deeds.home(request.user), request.key)
            return EMPTY
        request = await self._with_channel_name(self._with_own_command(request))
        try:
            call = self._surface.call(request)
        except UsageError as error:
            return self._complain(request, self._usage(request, error))
        except LookupError:
            return self._unknown(request)
        if request.kind is Kind.FORM and (wrong := self._surface.wrong(request)):
            return {"response_action": "errors", "errors": dict(wrong)}
        return await self._start(request, call, payload)

    async def _start(self, request: Request, call: Call, payload: Mapping[str, Any]) -> Ack:
        if call.change is None:
            if self._recent.is_new(request):
                self._tasks.start(self._deeds.look(request, call), request.key)
            return EMPTY
        try:
            await self._inbox.take(entry(self._without_secrets(request)))
        except NotTaken as error:
            logger.warning("not taken", extra={"request": request.key})
            return self._not_taken(request, payload, present.not_done(error))
        return EMPTY

    def _without_secrets(self, request: Request) -> Request:
        """A command that holds nothing which looks like a secret, as the queue keeps it.

        Where it makes no sense any more, the words were names, which are no secrets, and stay.
        """
        kept = replace(request, text=self._redact(request.text))
        if request.kind not in (Kind.COMMAND, Kind.MENTION) or kept == request:
            return request
        try:
            self._surface.call(kept)
        except UsageError:
            return request
        return kept

    def _with_own_command(self, request: Request) -> Request:
        """`@opsbell`, `@opsbell help` and `@opsbell status` are Opsbell's own command."""
        own = self._surface.commands.get(OWN)
        if request.kind is not Kind.MENTION or own is None or request.name == OWN:
            return request
        if request.name and request.name not in own.words:
            return request
        return replace(request, name=OWN, text=f"{request.name} {request.text}".strip())

    async def _with_channel_name(self, request: Request) -> Request:
        """Adds what only targets that are bound to channels need."""
        if not self._bound or not request.channel or request.channel_name:
            return request
        return replace(request, channel_name=await self._channels.name(request.channel))

    def _unknown(self, request: Request) -> Ack:
        if request.kind in (Kind.COMMAND, Kind.MENTION):
            known = list(self._surface.commands)
            return self._complain(
                request, present.unknown_command(request.name, known, self._prefix)
            )
        # A link button comes here too: Slack reports its clicks and wants them acked.
        logger.info("unknown control", extra={"control": request.name})
        return EMPTY

    def _usage(self, request: Request, error: UsageError) -> Message:
        command = self._surface.commands[request.name]
        return present.usage(command, request, error, self._prefix)

    def _complain(self, request: Request, message: Message) -> Ack:
        if request.kind is Kind.COMMAND:
            return _shown(message)
        if self._recent.is_new(request):
            self._tasks.start(self._answers.privately(request, message), request.key)
        return EMPTY

    def _not_taken(self, request: Request, payload: Mapping[str, Any], message: Message) -> Ack:
        blocks = payload["view"]["blocks"] if request.kind is Kind.FORM else []
        inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
        if not inputs:
            return self._complain(request, message)
        return {"response_action": "errors", "errors": {inputs[-1]: message.text}}


def _shown(message: Message) -> Ack:
    """An ack that shows the person a message."""
    return {"response_type": "ephemeral", **fit(message).message.as_json()}
