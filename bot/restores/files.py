"""The files of one part as a restore handles them, on this machine or in a service's container."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from bot import words
from bot.backups.sources import Part
from bot.backups.threads import in_thread
from bot.operations.model import StepContext
from bot.restores import files_here, files_in_service, stages, unpacking
from bot.restores.files_in_service import ServiceStage
from bot.restores.running import Restore
from bot.restores.stages import Stage
from bot.targets.model import Target
from bot.targets.waiting import to_the_end

_TELL_EVERY = 0.5


class Files(Protocol):
    """The files of one part: the live ones, and those that lie beside them."""

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """Unpacks beside; what was unpacked, in words."""
        ...

    async def exchange(self, operation: int) -> list[str]:
        """Puts what lies beside in place, and what was there beside. Where what was put aside lies
        that the application made anew meanwhile."""
        ...

    async def exchange_back(self, operation: int) -> None:
        """Takes that back, however far it came; proves it. Idempotent."""
        ...

    async def exchanged(self, operation: int) -> bool:
        """Whether it is done."""
        ...

    async def begun(self, operation: int) -> bool:
        """Whether old files may lie beside: an exchange was begun and not taken back."""
        ...

    async def remove(self) -> None:
        """Removes what lies beside."""
        ...

    async def end_work(self) -> None:
        """Ends what may still run."""
        ...

    def place(self) -> Mapping[str, Any]:
        """Where the files lie beside, as JSON."""
        ...


async def files_beside(restore: Restore, part: Part) -> Files:
    """Where a part will be unpacked, or was."""
    if part.service:
        name = f"{part.name}-{restore.stamp}"
        stage = await files_in_service.find_stage(restore.target, part.service, part.inner, name)
        return ServiceFiles(restore.target, stage, restore.mark, into=True)
    return HereFiles(await in_thread(stages.stages_of, part, restore.stamp))


def files_at(target: Target, place: Mapping[str, Any], mark: str) -> Files:
    """The files of a part by what a step has returned."""
    if "service" in place:
        stage = ServiceStage(place["service"], place["live"], place["files"])
        return ServiceFiles(target, stage, mark, into=bool(place["into"]))
    return HereFiles([Stage.from_json(each) for each in place["stages"]])


class HereFiles:
    """See Files; on this machine."""

    def __init__(self, stages: list[Stage]) -> None:
        self.stages = stages

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """See Files."""
        stopped, done = threading.Event(), [0]

        def tell(written: int) -> None:
            if stopped.is_set():
                raise _Stopped
            done[0] = written

        working = asyncio.create_task(in_thread(unpacking.unpack, archive, self.stages, tell))
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=_TELL_EVERY)
                await context.progress(f"{words.size(done[0])} unpacked")
        finally:
            if not working.done():
                stopped.set()
                await to_the_end(asyncio.wait({working}))
                working.exception()  # marks it as seen: the thread was told to stop
        return f"{words.count(working.result(), 'file')}, {words.size(done[0])}"

    async def exchange(self, operation: int) -> list[str]:
        """See Files."""
        await in_thread(files_here.begin, self.stages, operation)
        await in_thread(files_here.exchange, self.stages, operation)
        return []

    async def exchange_back(self, operation: int) -> None:
        """See Files."""
        await in_thread(lambda: files_here.exchange(self.stages, operation, back=True))

    async def exchanged(self, operation: int) -> bool:
        """See Files."""
        return await in_thread(files_here.exchanged, self.stages, operation)

    async def begun(self, operation: int) -> bool:
        """See Files."""
        return await in_thread(files_here.was_begun, self.stages, operation)

    async def remove(self) -> None:
        """See Files."""
        await in_thread(stages.remove, self.stages)

    async def end_work(self) -> None:
        """What runs here is this process's own."""

    def place(self) -> Mapping[str, Any]:
        """See Files."""
        stages = [stage.as_json() for stage in self.stages]
        directories = sorted({str(stage.directory) for stage in self.stages})
        return {"files": ", ".join(directories), "stages": stages}


class ServiceFiles:
    """See Files; in a service's container. The first exchange moves what was unpacked `into`
    place, an undo moves it out again."""

    def __init__(self, target: Target, stage: ServiceStage, mark: str, *, into: bool) -> None:
        self._target = target
        self._stage = stage
        self._mark = mark
        self._into = into

    async def unpack(self, archive: Path, context: StepContext) -> str:
        """See Files."""
        await files_in_service.unpack(self._target, self._stage, archive, self._mark, context)
        return f"unpacked into {self._stage.stage}"

    async def exchange(self, operation: int) -> list[str]:
        """See Files."""
        return await files_in_service.move(
            self._target, self._stage, operation, self._mark, into=self._into
        )

    async def exchange_back(self, operation: int) -> None:
        """See Files."""
        await files_in_service.move_back(
            self._target, self._stage, operation, self._mark, into=self._into
        )

    async def exchanged(self, operation: int) -> bool:
        """See Files."""
        return await files_in_service.was_moved(self._target, self._stage, operation)

    async def begun(self, operation: int) -> bool:
        """See Files."""
        return await files_in_service.was_begun(self._target, self._stage, operation)

    async def remove(self) -> None:
        """See Files."""
        await files_in_service.remove(self._target, self._stage)

    async def end_work(self) -> None:
        """See Files."""
        await files_in_service.end_work(self._target, self._stage.service, self._mark)

    def place(self) -> Mapping[str, Any]:
        """See Files."""
        stage = self._stage
        return {
            "files": stage.stage,
            "service": stage.service,
            "live": stage.live,
            "into": self._into,
        }


class _Stopped(Exception):
    """Ends the thread of an unpacking that nobody waits for any more."""
