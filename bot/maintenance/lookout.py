"""Looks, once a minute, whether what is on record is still so: files are removed by hand,
operations end without turning off what they turned on, and what should end meets trouble."""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.errors import OpsbellError
from bot.maintenance import store
from bot.maintenance.jobs import Jobs
from bot.maintenance.model import State, Window
from bot.maintenance.records import LOOK_JOB, Records
from bot.maintenance.steps import Switch
from bot.maintenance.windows import Windows
from bot.operations.service import Operations
from bot.store.database import Database
from bot.store.queue import Queue

logger = logging.getLogger(__name__)

AGAIN = timedelta(minutes=15)
"""How often an end that did not succeed is tried again."""


class Lookout:
    """The job that compares the record with the files."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        operations: Operations,
        records: Records,
        windows: Windows,
        switch: Switch,
        jobs: Jobs,
    ) -> None:
        self._database = database
        self._operations = operations
        self._records = records
        self._windows = windows
        self._switch = switch
        self._jobs = jobs
        queue.handle(LOOK_JOB, self.look)

    async def look(self, window: int, look: int) -> None:
        """The job: looks at one, and has it looked at again. What cannot be looked at now is
        looked at the next time; one whose target left the configuration never could be."""
        async with self._database.transaction() as tx:
            found = await store.lock(tx, window)
            if not found or not found.state.active or found.looks != look:
                return
            if not self._records.is_known(found.target):
                await self._windows.abandoned(tx, found)
                return
            await store.save(tx, await self._records.look_again(tx, found))
        try:
            await self._look_at(found)
        except OpsbellError as error:
            extra = {"target": found.target, "error": str(error)}
            logger.warning("maintenance not looked at", extra=extra)

    async def _look_at(self, before: Window) -> None:
        """Looks at one that is on. Operations change its state before they touch the file, so a
        file that is missing while the state is on was removed by somebody else."""
        if before.state is not State.ON:
            return
        there = await self._switch.file(before.target).read()
        async with self._database.transaction() as tx:
            window = await store.lock(tx, before.id)
            if window is None or window.state is not State.ON:
                return
            now = self._records.clock()
            if there is None:
                await self._windows.vanished(tx, window)
            elif await self._is_left_on(window):
                await self._windows.left_on(tx, window)
            elif window.until and window.until + AGAIN <= now:
                await self._jobs.end_again(tx, window, int((now - window.until) / AGAIN))

    async def _is_left_on(self, window: Window) -> bool:
        if not window.embedded or window.on_operation is None:
            return False
        return (await self._operations.get(window.on_operation)).state.final
