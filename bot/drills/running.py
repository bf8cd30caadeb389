"""What the steps of one drill share, and the frame that every step runs in."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.backups.model import Manifest
from bot.backups.set_store import SetStore
from bot.backups.verdicts import Verdict
from bot.drills.model import Load, blames_the_store
from bot.drills.places import Place
from bot.drills.sql import Session
from bot.drills.store import DrillResults, keep
from bot.errors import Failed
from bot.operations.model import Operation, StepContext
from bot.store.events import Event
from bot.targets.text import storable

logger = logging.getLogger(__name__)

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Drill:
    """One drill under way; each step finds it anew from its operation."""

    operation: Operation
    store: SetStore
    live: Session | None
    place: Place | None
    assertions: tuple[str, ...]
    load: Load
    results: DrillResults

    @property
    def set_id(self) -> str:
        """The set's ID."""
        return str(self.operation.plan.facts["set"])

    async def manifest(self) -> Manifest:
        """The set's manifest. Raises NotFound where the set is gone, Failed where the manifest
        cannot be read."""
        found = await self.store.find(self.set_id)
        if found.manifest is None:
            raise await self.condemned(found.trouble)
        return found.manifest

    @contextlib.asynccontextmanager
    async def files(self, *parts: str) -> AsyncIterator[Path]:
        """The set as a directory of this machine inside the block, with at least these parts; all
        where none is named. What a repository has lost of it condemns it."""
        async with contextlib.AsyncExitStack() as stack:
            found = await self.store.find(self.set_id)
            try:
                directory = await stack.enter_async_context(
                    self.store.fetched(found, parts or None)
                )
            except Failed as error:
                if not blames_the_store(f"{error.message}\n{error.output}"):
                    raise
                summary = f"the store cannot give it back: {error.message.rstrip('.')}"
                raise await self.condemned(summary, output=error.output) from error
            yield directory

    async def tidy(self) -> None:
        """Ends what a killed drill left running on this machine, and removes what it fetched."""
        # A directory that is gone or away holds nothing of ours to end or remove.
        with contextlib.suppress(FileNotFoundError):
            await self.store.settle()
            await self.store.clear()

    @property
    def needed_place(self) -> Place:
        """Where it is restored to."""
        if self.place is None:
            raise ValueError("a set without a database is restored nowhere")
        return self.place

    @property
    def made(self) -> Mapping[str, Any]:
        """What the place said when it was made; empty where that is not known."""
        return self.operation.results().get("drill.place", {})

    @property
    def scratch(self) -> Session:
        """The restored database."""
        return Session(
            self.needed_place.target,
            self.needed_place.database(self.made),
            mark_of(self.operation),
        )

    async def verdict(self, *, good: bool, summary: str) -> None:
        """Keeps what was found out about the set, once per drill, with an event."""
        operation = self.operation
        async with self.results.database.transaction() as tx:
            kept = await keep(
                tx,
                operation=operation.id,
                target=operation.plan.target,
                set_id=self.set_id,
                good=good,
                summary=summary,
                actor=operation.actor,
            )
            if kept:
                tx.record(
                    Event(
                        operation.actor,
                        "backup.drilled",
                        f"backup:{operation.plan.target}:{self.set_id}",
                        operation.plan.target,
                        "ok" if good else "failed",
                        {"operation": operation.id, "summary": storable(summary)},
                    )
                )

    async def condemned(self, summary: str, *, output: str = "") -> Failed:
        """The error that ends a drill whose set is bad, once that is kept."""
        await self.verdict(good=False, summary=summary)
        return Failed(
            f"The backup {self.set_id} is bad: {summary}.",
            hint="It no longer counts as a backup. Take a new one now.",
            output=output,
        )


def mark_of(operation: Operation) -> str:
    """What a drill's processes and sessions are found by, wherever they run."""
    return f"opsbell drill {operation.tag} {operation.plan.target}"


async def tidy(drill: Drill, context: StepContext) -> None:
    """For a step that fetches the set."""
    await drill.tidy()


def verdict_result(verdict: Verdict) -> Result:
    """A verdict as a step's result."""
    return {"note": verdict.summary, "good": verdict.good}
