"""The verbs of restore drills: plan one, and make those that the clock asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot import words
from bot.backups.model import DATABASE, BackupSet, Manifest
from bot.backups.service import Backups
from bot.backups.set_store import ahead_last
from bot.config.settings import Settings
from bot.drills import view
from bot.drills.model import Load
from bot.drills.places import DatabaseInPlace, Place, ServerPlace
from bot.drills.running import Drill, mark_of, tidy
from bot.drills.sql import Session
from bot.drills.steps import (
    ask,
    check,
    clear,
    compare,
    conclude,
    concluded,
    make_place,
    remove_place,
    restore,
)
from bot.drills.store import DrillResults
from bot.errors import NotFound, OpsbellError, Refused
from bot.operations.locks import is_kept_out
from bot.operations.model import Operation
from bot.operations.plan import Plan, PlannedStep
from bot.operations.service import Operations
from bot.operations.work_step import WorkStep
from bot.slack.posts import Posts
from bot.store.database import Transaction
from bot.store.events import Event
from bot.store.queue import Lane, Queue
from bot.targets.targets import Targets
from bot.words import utc_now

RUNBOOK = "verify"
ACCESS = "backup"
CLOCK = "opsbell"
DUE_JOB = "drill.due"

_CHECK_LIMIT = 6 * 3600.0
_PLACE_LIMIT = 900.0
_RESTORE_LIMIT = 12 * 3600.0


class Drills:
    """What the surfaces call. Registers the runbook and its steps with the engine."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        operations: Operations,
        backups: Backups,
        results: DrillResults,
        posts: Posts,
        queue: Queue,
        *,
        load: Load,
    ) -> None:
        self.settings = settings
        self._targets = targets
        self._operations = operations
        self._backups = backups
        self._results = results
        self._posts = posts
        self._queue = queue
        self._load = load
        operations.add_runbook(RUNBOOK, self.plan)
        for kind, step in (
            ("drill.check", WorkStep(self._find, check, undo=tidy)),
            ("drill.place", WorkStep(self._find, make_place, undo=remove_place)),
            ("drill.restore", WorkStep(self._find, restore, undo=tidy)),
            ("drill.compare", WorkStep(self._find, compare)),
            ("drill.ask", WorkStep(self._find, ask)),
            ("drill.conclude", WorkStep(self._find, conclude, done=concluded)),
            ("drill.clear", WorkStep(self._find, clear, undo=remove_place, done=clear)),
        ):
            operations.register(kind, step)
        queue.handle(DUE_JOB, self._due, lane=Lane.WORK)

    async def plan(self, target: str, parameters: Mapping[str, Any]) -> Plan:
        """The drill of the set that `set` names: an ID, the beginning of one, `latest`, or "" for
        the newest that holds a database.

        Raises NotFound where there is none, Refused where the target's backups are not set up, and
        what keeps production's database from being looked at.
        """
        found = await self._chosen(target, str(parameters.get("set", "")))
        holds_database = found.manifest is None or DATABASE in found.manifest.parts
        facts: dict[str, Any] = {"set": found.id, "manifest": _digest(found.manifest)}
        scratch = self._targets.scratch(target)
        image = ""
        if holds_database and scratch:
            facts["image"], image = await scratch.image()
        steps = [
            PlannedStep(
                "drill.check",
                "Read back",
                command=f"sha256sum --check, for the files of {found.id}",
                limit=_CHECK_LIMIT,
            )
        ]
        if holds_database:
            questions = self._backups.policy(target).assertions
            steps += _database_steps(self._database_name(target), image, questions)
        steps.append(PlannedStep("drill.conclude", "Result", command="kept with the backup"))
        if holds_database:
            steps.append(PlannedStep("drill.clear", "Clear away", command=_removal(image)))
        return Plan(
            runbook=RUNBOOK,
            title=f"Restore drill of {target} {found.id}",
            target=target,
            disturbs=False,
            steps=tuple(steps),
            facts=facts,
            parameters={"set": found.id},
            access=ACCESS,
            notes=(_about(found),),
            undo="nothing to take back: a drill removes what it has made",
        )

    async def request_due(self, tx: Transaction, target: str, due_at: datetime) -> None:
        """Has the drill made that is due, once: planning looks at the world, which takes longer
        than a transaction may."""
        await self._queue.defer(tx, DUE_JOB, {"target": target, "due_at": due_at.isoformat()})

    async def _due(self, target: str, due_at: str) -> None:
        """The job: queues the drill, or says in the channel why there is none."""
        due = datetime.fromisoformat(due_at)
        try:
            plan = await self.plan(target, {})
        except OpsbellError as error:
            async with self._results.database.transaction() as tx:
                await self.say_missed(tx, target, [due], str(error))
            return
        async with self._results.database.transaction() as tx:
            before = await self._operations.unfinished(tx, target)
            same = [
                each
                for each in before
                if each.plan.runbook == RUNBOOK
                and each.plan.facts == plan.facts
                and not await is_kept_out(tx, each)
            ]
            if same:
                tx.record(_event(target, "drill.merged", due, {"operation": same[0].id}))
                return
            key = f"drill:{target}:{due_at}"
            try:
                await self._operations.request(
                    tx, plan, actor=CLOCK, reason="schedule", request_key=key
                )
            except Refused:
                return  # this job ran before, and died after its commit

    async def say_missed(
        self, tx: Transaction, target: str, due_times: list[datetime], why: str
    ) -> None:
        """Says and records that drills were not made; `why` is "" where only their time passed."""
        for due in due_times:
            tx.record(_event(target, "drill.missed", due, {"why": why}, outcome="failed"))
        slash = f"/{self.settings.slack.command_prefix}backup"
        await self._posts.put(
            tx,
            f"drill-missed:{target}:{due_times[-1].isoformat()}",
            channel=self.settings.slack.channel("ops"),
            message=view.missed(target, due_times, why, zone=self.settings.timezone, slash=slash),
        )

    async def _chosen(self, target: str, wanted: str) -> BackupSet:
        self._backups.policy(target)
        if wanted:
            return await self._backups.find(target, wanted)
        sets = ahead_last(await self._backups.sets(target), utc_now())
        with_database = [s for s in sets if s.manifest and DATABASE in s.manifest.parts]
        chosen = next(iter(with_database or sets), None)
        if chosen is None:
            raise NotFound(f"There is no backup of {target} to drill.")
        return chosen

    def _database_name(self, target: str) -> str:
        return self._targets.get(target).database().name

    def _find(self, operation: Operation) -> Drill:
        """A drill from its operation alone: nothing outside is looked at."""
        plan = operation.plan
        name = plan.target
        restores = any(step.kind == "drill.place" for step in plan.steps)
        live = self._live(operation) if restores else None
        return Drill(
            operation=operation,
            store=self._backups.store(name, mark_of(operation)),
            live=live,
            place=self._place(operation, live) if live else None,
            assertions=self._backups.policy(name).assertions,
            load=self._load,
            results=self._results,
        )

    def _live(self, operation: Operation) -> Session:
        target = self._targets.get(operation.plan.target)
        return Session(target, target.database(), mark_of(operation))

    def _place(self, operation: Operation, live: Session) -> Place:
        if scratch := self._targets.scratch(operation.plan.target):
            return ServerPlace(live, scratch, str(operation.plan.facts["image"]))
        name = f"opsbell_drill_{operation.requested:%Y%m%dt%H%M%S}_{operation.id}"
        return DatabaseInPlace(live, name, self._targets.owner)


def _database_steps(database: str, image: str, questions: tuple[str, ...]) -> list[PlannedStep]:
    """The steps that restore the database aside; `image` is "" on a host."""
    if image:
        place = PlannedStep(
            "drill.place",
            "Scratch server",
            command=f"docker run --network none {image}, with an empty database {database}",
            risk="takes disk and some memory while it runs, and gives way to everything else",
            undo=_removal(image),
            limit=_PLACE_LIMIT,
        )
    else:
        place = PlannedStep(
            "drill.place",
            "Scratch database",
            command="create database opsbell_drill_… template template0",
            risk="takes room and time of production's own server",
            undo=_removal(image),
            limit=_PLACE_LIMIT,
        )
    asked = "; ".join(question.strip() for question in questions)
    return [
        place,
        PlannedStep(
            "drill.restore",
            "Restore",
            command="pg_restore --exit-on-error, the roles first",
            limit=_RESTORE_LIMIT,
        ),
        PlannedStep(
            "drill.compare",
            "Compare",
            command="rows of each table with the manifest, migrations with production",
        ),
        PlannedStep(
            "drill.ask",
            "Assertions",
            command=asked,
            left_out="" if questions else "none are configured",
        ),
    ]


def _removal(image: str) -> str:
    if image:
        return "docker rm --force --volumes, of the scratch server"
    return "drop database opsbell_drill_…"


def _about(found: BackupSet) -> str:
    if found.manifest is None:
        return f"{found.id} cannot be trusted: {found.trouble}."
    parts = words.join(found.manifest.ordered_parts)
    return f"{found.id} holds {parts}, {words.size(found.manifest.size)}."


def _digest(manifest: Manifest | None) -> str:
    """What a set is known by beside its ID, which somebody may give to another one."""
    if manifest is None:
        return "not readable"
    return hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()


def _event(
    target: str, action: str, due: datetime, detail: Mapping[str, Any], *, outcome: str = "noted"
) -> Event:
    told = {"due_at": due.isoformat(), **detail}
    return Event(CLOCK, action, f"backup:{target}", target, outcome, told)
