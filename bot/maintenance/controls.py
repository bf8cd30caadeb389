"""What can be clicked on the messages of maintenances."""

from __future__ import annotations

from bot.maintenance import view
from bot.maintenance.plans import ACCESS
from bot.maintenance.service import Maintenance
from bot.operations.queued import queued
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Control, Request
from bot.store.database import Transaction


class Controls:
    """Turns clicks into the verbs of maintenance."""

    def __init__(self, maintenance: Maintenance) -> None:
        self._maintenance = maintenance

    def controls(self) -> list[Control]:
        """What is registered."""
        return [
            Control(view.EXTEND, Call(ACCESS, change=self._extend)),
            Control(view.END, Call(ACCESS, change=self._end)),
            Control(view.OPEN, Call(ACCESS, change=self._open)),
            Control(view.CANCEL, Call(ACCESS, change=self._cancel)),
        ]

    async def _extend(self, request: Request, tx: Transaction) -> Answer:
        number, _, seen = request.value.partition("|")
        window = await self._maintenance.extend_seen(
            tx, int(number), view.EXTENSION, int(seen or 0), actor=request.actor
        )
        return Answer(view.extended(window, self._maintenance.settings.timezone))

    async def _end(self, request: Request, tx: Transaction) -> Answer:
        number = await self._maintenance.end(
            tx, int(request.value), actor=request.actor, request_key=request.key
        )
        return await self._ending(tx, number)

    async def _open(self, request: Request, tx: Transaction) -> Answer:
        number = await self._maintenance.turn_off(
            tx, request.value, actor=request.actor, request_key=request.key
        )
        return await self._ending(tx, number)

    async def _ending(self, tx: Transaction, number: int) -> Answer:
        channel = self._maintenance.settings.slack.channel("ops")
        return Answer(await queued(tx, number, "The end of the maintenance", channel))

    async def _cancel(self, request: Request, tx: Transaction) -> Answer:
        window = await self._maintenance.cancel(tx, "", int(request.value), actor=request.actor)
        return Answer(Message(f"Maintenance {window.id} of {window.target} was cancelled."))
