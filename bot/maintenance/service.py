"""Maintenance, as the surfaces and other capabilities use it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.config.settings import Settings
from bot.errors import NotFound, OpsbellError, Refused, Unavailable
from bot.maintenance import store
from bot.maintenance.calendar import Calendar
from bot.maintenance.jobs import Jobs
from bot.maintenance.lookout import Lookout
from bot.maintenance.model import Window, Wish
from bot.maintenance.notice import Notice
from bot.maintenance.plans import OFF_RUNBOOK, ON_RUNBOOK, Plans
from bot.maintenance.proof import PATIENCE
from bot.maintenance.publisher import Publisher
from bot.maintenance.records import Records
from bot.maintenance.standing import Standing, standing_of
from bot.maintenance.steps import OFF_KIND, ON_KIND, OffStep, OnStep, Switch, off_step, on_step
from bot.maintenance.topic import TopicKeeper
from bot.maintenance.windows import Windows
from bot.operations.plan import Plan, PlannedStep
from bot.operations.service import Operations
from bot.slack.posts import Posts
from bot.slack.topics import Topics
from bot.store.database import Database, Transaction
from bot.store.queue import Queue
from bot.targets.targets import Targets
from bot.words import utc_now

logger = logging.getLogger(__name__)

_WITH_THE_WHOLE = "in maintenance with the whole operation"


class Maintenance:
    """What can be done about maintenance, and asked about it.

    `hold`, `release`, `on_step`, `off_step` and `is_on` are for other capabilities.
    """

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        database: Database,
        queue: Queue,
        operations: Operations,
        posts: Posts,
        topics: Topics,
        *,
        redact: Callable[[str], str],
        clock: Callable[[], datetime] = utc_now,
        patience: timedelta = PATIENCE,
    ) -> None:
        self.settings = settings
        self._database = database
        self._operations = operations
        self._clock = clock
        records = Records(settings, queue, Publisher(settings, posts), redact=redact, clock=clock)
        windows = Windows(records)
        self._calendar = Calendar(records)
        self._switch = Switch(settings, targets, database, records, windows, patience=patience)
        self._plans = Plans(settings)
        self.topic = TopicKeeper(database, windows, topics, settings.timezone)
        self.jobs = Jobs(
            database,
            queue,
            operations,
            records,
            self._calendar,
            self._switch,
            self._plans,
            self.topic,
        )
        self.lookout = Lookout(
            database, queue, operations, records, windows, self._switch, self.jobs
        )
        operations.register(ON_KIND, OnStep(self._switch))
        operations.register(OFF_KIND, OffStep(self._switch))
        operations.add_runbook(ON_RUNBOOK, self._plan_on)
        operations.add_runbook(OFF_RUNBOOK, self._plan_off)

    # What other capabilities use.

    async def is_on(self, tx: Transaction, target: str) -> bool:
        """Whether a target is in maintenance, by the record: its alerts are held back then."""
        return await store.is_active(tx, target)

    async def is_on_now(self, target: str) -> bool:
        """The same at once; False where the record cannot be asked. Never raises."""
        try:
            async with self._database.transaction() as tx:
                return await self.is_on(tx, target)
        except (OpsbellError, psycopg.Error) as error:
            logger.warning("maintenance not known", extra={"target": target, "error": str(error)})
            return False

    def on_step(self, target: str, reason: str = "") -> PlannedStep:
        """A step for any plan; see `bot.maintenance.steps.on_step`."""
        return on_step(target, self.settings.target(target), reason)

    def off_step(self, target: str, *, always: bool = False) -> PlannedStep:
        """A step for any plan; see `bot.maintenance.steps.off_step`."""
        return off_step(target, self.settings.target(target), always=always)

    def step(self, target: str, wanted: str, reason: str) -> PlannedStep:
        """The step that a configuration calls `maintenance: on` or `off`."""
        return self.on_step(target, reason) if wanted == "on" else self.off_step(target)

    async def hold(self, target: str, operation: int, reason: str = "") -> str:
        """Makes the file for the moment of a swap, without record, message or proof; what was
        done, as one line. One that is there already stays as it is, also where an `on_step` of this
        operation made it: its `off_step` ends it. Idempotent.

        Raises Failed, NotFound and Unavailable where the file cannot be made.
        """
        if self.settings.target(target).maintenance is None:
            return "no maintenance file is configured"
        file = self._switch.file(target)
        there = await file.read()
        if there is not None and there.operation != operation:
            return "it was in maintenance before"
        if there is not None and await self._is_on_by_step(operation):
            return _WITH_THE_WHOLE
        by = f"operation {operation}"
        await file.put(Notice(target, reason, by=by, since=self._clock(), operation=operation))
        return "in maintenance"

    async def release(self, target: str, operation: int) -> str:
        """Removes the file that `hold` has made for this operation, and no other; what was done,
        "" where no file is there.

        Idempotent, and safe where there was no `hold`: what an `on_step` of this operation made
        stays until its `off_step`. Raises like `hold`.
        """
        if self.settings.target(target).maintenance is None:
            return "no maintenance file is configured"
        file = self._switch.file(target)
        there = await file.read()
        if there is None:
            return ""
        if there.operation != operation:
            return "it stayed in maintenance, as before"
        if await self._is_on_by_step(operation):
            return _WITH_THE_WHOLE
        await file.remove()
        return "maintenance ended"

    async def _is_on_by_step(self, operation: int) -> bool:
        """Whether a step of the operation turned it on, not `hold`, which leaves no record."""
        try:
            async with self._database.transaction() as tx:
                return await store.turned_on_by(tx, operation) is not None
        except psycopg.Error as error:
            raise Unavailable("What turned maintenance on is not known.") from error

    # What people ask for.

    async def turn_on(
        self,
        tx: Transaction,
        target: str,
        reason: str,
        length: timedelta | None,
        *,
        actor: str,
        request_key: str,
    ) -> int:
        """Queues an operation; its number. Raises Refused where one is on record as on."""
        plan = self._plans.on(target, on_parameters(reason, length))
        found = await store.lock_active(tx, target)
        if found:
            raise Refused(
                f"{target} is in maintenance already (maintenance {found.id}).",
                hint="Extend it with /maintenance extend 30m, or end it with /maintenance off.",
            )
        return await self._operations.request(
            tx, plan, actor=actor, reason="manual", request_key=request_key
        )

    async def turn_off(self, tx: Transaction, target: str, *, actor: str, request_key: str) -> int:
        """Queues an operation; its number. Whatever is there is removed, and the page looked at."""
        plan = self._plans.off(target, {})
        return await self._operations.request(
            tx, plan, actor=actor, reason="manual", request_key=request_key
        )

    async def schedule(
        self,
        tx: Transaction,
        target: str,
        starts: datetime,
        length: timedelta,
        reason: str,
        *,
        actor: str,
    ) -> Window:
        """Puts one on record for later. Raises Refused where it meets another."""
        self._plans.on(target, {})
        return await self._calendar.schedule(tx, Wish(target, actor, reason, length), starts)

    async def extend(
        self,
        tx: Transaction,
        target: str,
        by: timedelta,
        *,
        actor: str,
    ) -> Window:
        """Moves the end of the target's. Raises Refused where there is none, or it has no end."""
        found = await store.lock_active(tx, target)
        if found is None or found.embedded:
            raise Refused(f"Not extended: {target} is not in a maintenance that ends by itself.")
        return await self._calendar.extend(tx, found.id, by, actor)

    async def extend_seen(
        self, tx: Transaction, number: int, by: timedelta, seen: int, *, actor: str
    ) -> Window:
        """The same for one maintenance whose end somebody saw; two clicks are one extension."""
        return await self._calendar.extend(tx, number, by, actor, seen)

    async def end(self, tx: Transaction, number: int, *, actor: str, request_key: str) -> int:
        """Queues the end of one maintenance. Raises NotFound, and Refused where it is over."""
        found = await self._found(tx, number)
        if not found.state.active:
            raise Refused(f"Maintenance {number} is {found.state.value} already.")
        return await self.turn_off(tx, found.target, actor=actor, request_key=request_key)

    async def cancel(
        self, tx: Transaction, target: str, number: int | None, *, actor: str
    ) -> Window:
        """Takes back one that is to come: the one that is named, or the only one.

        Raises NotFound, and Refused where there is none, or several of which none is named.
        """
        if number is not None:
            return await self._calendar.cancel(tx, number, actor)
        coming = await store.scheduled(tx, target)
        if not coming:
            raise Refused(f"Nothing to cancel: no maintenance of {target} is scheduled.")
        if len(coming) > 1:
            numbers = ", ".join(str(window.id) for window in coming)
            raise Refused(
                f"Several maintenances of {target} are scheduled: {numbers}.",
                hint=f"Say which: /maintenance cancel {coming[0].id}.",
            )
        return await self._calendar.cancel(tx, coming[0].id, actor)

    async def standing(self, target: str) -> Standing:
        """How a target stands, by its file, the record and the page. Raises Refused where no file
        is configured."""
        file = self._switch.file(target)
        return await standing_of(target, self.settings.target(target), file, self._database)

    async def _found(self, tx: Transaction, number: int) -> Window:
        found = await store.lock(tx, number)
        if found is None:
            raise NotFound(f"There is no maintenance {number}.")
        return found

    async def _plan_on(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        return self._plans.on(target, parameters)

    async def _plan_off(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        return self._plans.off(target, parameters)


def on_parameters(reason: str, length: timedelta | None) -> dict[str, Any]:
    """The parameters of the runbook that turns it on."""
    return {
        "reason": reason,
        "seconds": length.total_seconds() if length else None,
        "window": None,
    }
