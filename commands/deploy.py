"""`/deploy`: bring a revision to a target, see what runs, go back, keep others out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.config.access import ANYONE
from bot.config.settings import Settings
from bot.deploys import rollback, view
from bot.deploys.model import checked_ref
from bot.deploys.planning import RUNBOOK
from bot.deploys.service import Deploys
from bot.errors import Refused, UsageError
from bot.operations import lock_view
from bot.operations.asking import WINDOW, Asking, plan_asked
from bot.operations.model import TargetLock
from bot.operations.queued import followed
from bot.operations.service import Operations
from bot.operations.states import OperationState
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Command, Control, Modals, Request, Usage
from bot.slack.text_in import resolve_target, split
from bot.store.database import Transaction

ACCESS = "deploy"
WORDS = ("plan", "status", "history", "rollback", "lock", "unlock")
USAGES = (
    Usage("/deploy [REF]", "Deploy a branch, tag or commit, once its plan is confirmed", "/deploy"),
    Usage("/deploy plan [REF]", "What would be deployed, and how; nothing is", "/deploy plan main"),
    Usage("/deploy status", "What runs, since when, its migrations, and whether it is locked"),
    Usage("/deploy history", "The deploys that were run, with the ways back from them"),
    Usage(
        "/deploy rollback [ID]",
        "Go back to what ran before a deploy, the last one without an ID",
        "/deploy rollback",
    ),
    Usage("/deploy rollback --migrations", "The same, its migrations reversed"),
    Usage("/deploy rollback --database", "The same, with the database of before: a restore"),
    Usage("/deploy lock REASON", "Let nobody else's operations run", "/deploy lock migrating mail"),
    Usage("/deploy unlock", "Let others go on; an admin may take another's lock away"),
)
FORCE = "--force"
ADMIN = "admin"
"""No command of this name has a rule, so that it takes an admin."""

_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_WITH = {f"--{each}": each for each in (rollback.MIGRATIONS, rollback.DATABASE)}


class DeployCommand:
    """Parses the words and asks the deploys."""

    def __init__(
        self,
        settings: Settings,
        deploys: Deploys,
        asking: Asking,
        operations: Operations,
    ) -> None:
        self._settings = settings
        self._deploys = deploys
        self._asking = asking
        self._operations = operations

    def command(self) -> Command:
        """What is registered."""
        return Command(
            "deploy", "Deploy a revision, and go back from one", USAGES, self.parse, WORDS
        )

    def controls(self) -> list[Control]:
        """The buttons that take a deploy back, and the one that takes a lock away."""
        return [
            Control(view.TAKE_AWAY, Call(ANYONE, change=self._take_away)),
            Control(view.BACK, Call(ACCESS, query=self._back, window=WINDOW)),
            Control(view.BACK_WITH, Call(ANYONE, query=self._back_with, window=WINDOW)),
        ]

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        target, typed = resolve_target(
            self._settings, split(request.text), request.channel, request.channel_name
        )
        words, plan_only = plan_asked(typed)
        match words:
            case [word] if word.lower() == "status" and not plan_only:
                return Call(ACCESS, query=lambda request, modals: self._status(target))
            case [word] if word.lower() == "history" and not plan_only:
                return Call(ACCESS, query=lambda request, modals: self._history(target))
            case [word, *reason] if word.lower() == "lock":
                return self._lock(target, " ".join(reason))
            case [word, *more] if word.lower() == "rollback":
                return self._rollback(target, more, plan_only)
            case [word, *option] if word.lower() == "unlock" and option in ([], [FORCE]):
                force = bool(option)
                return Call(ANYONE, change=lambda req, tx: self._unlock(req, tx, target, force))
            case [word, *_] if word.lower() in ("status", "history", "unlock"):
                raise UsageError(f"{word.lower()} takes no further words.")
        return self._deploy(target, words, plan_only)

    def _deploy(self, target: str, words: Sequence[str], plan_only: bool) -> Call:
        refs = [word for word in words if word != FORCE]
        if len(refs) > 1:
            raise UsageError(f"One ref at a time: {refs[0][:40]} or {refs[1][:40]}.")
        if refs and refs[0].startswith("-"):
            raise UsageError(f"/deploy does not know the option {refs[0][:30]}.")
        wanted = {"force": FORCE in words} | ({"ref": checked_ref(refs[0])} if refs else {})
        return self._asking.call(ACCESS, RUNBOOK, target, wanted, plan_only=plan_only)

    def _rollback(self, target: str, words: Sequence[str], plan_only: bool) -> Call:
        options = [word for word in words if word.startswith("-")]
        numbers = [word for word in words if not word.startswith("-")]
        if unknown := [word for word in options if word not in _WITH]:
            raise UsageError(f"/deploy rollback does not know the option {unknown[0][:30]}.")
        if len(options) > 1 or len(numbers) > 1:
            raise UsageError("One deploy at a time, with --migrations or --database or neither.")
        if numbers and not _NUMBER.fullmatch(numbers[0]):
            raise UsageError(
                f'"{numbers[0][:30]}" is no ID of a deploy.', hint="/deploy history lists them."
            )
        wanted: dict[str, object] = {"with": _WITH[options[0]]} if options else {}
        wanted |= {"deploy": int(numbers[0])} if numbers else {}
        return self._asking.call(
            rollback.rule_of(wanted), rollback.RUNBOOK, target, wanted, plan_only=plan_only
        )

    def _lock(self, target: str, reason: str) -> Call:
        if not reason:
            raise UsageError("Say why: whoever waits will read it.")
        return Call(ACCESS, change=lambda request, tx: self._take(request, tx, target, reason))

    async def _take(self, request: Request, tx: Transaction, target: str, reason: str) -> Answer:
        await self._operations.locks.take(tx, target, actor=request.actor, reason=reason)
        unfinished = await self._operations.unfinished(tx, target)
        running = [each for each in unfinished if each.state is OperationState.RUNNING]
        return Answer(
            view.taken(target, running),
            data={
                "target": target,
                "locked": True,
                "reason": reason,
                "running": [each.id for each in running],
            },
        )

    async def _unlock(
        self, request: Request, tx: Transaction, target: str, force: bool
    ) -> Answer | None:
        """One's own lock is freed at once; another's by an admin who has seen whose it is, and who
        need not be one that deploys."""
        held = await self._operations.locks.get(tx, target)
        if held is None:
            raise Refused(f"Not unlocked: nobody has locked {target}.")
        if held.holder == request.actor:
            return await self._freed(request, tx, held, steal=False)
        await self._require_admin(request, lock_view.in_words(held))
        if force:
            return await self._freed(request, tx, held, steal=True)
        if request.user.startswith("os:"):
            raise Refused(
                f"Not unlocked: {lock_view.in_words(held)}.",
                hint="/deploy unlock --force takes the lock away; its holder is told.",
            )
        return Answer(view.held(held), data={"target": target, "locked": True})

    async def _take_away(self, request: Request, tx: Transaction) -> Answer | None:
        """The button below another's lock, which says which one it was."""
        target, _, since = request.value.partition(" ")
        held = await self._operations.locks.get(tx, target)
        if held is None or held.since.isoformat() != since:
            raise Refused(
                f"Not unlocked: {target} is no longer locked as it was shown.",
                hint="/deploy status says how it is now.",
            )
        await self._require_admin(request, lock_view.in_words(held))
        return await self._freed(request, tx, held, steal=True)

    async def _freed(
        self, request: Request, tx: Transaction, lock: TargetLock, *, steal: bool
    ) -> Answer:
        await self._operations.locks.free(tx, lock, actor=request.actor, steal=steal)
        return Answer(
            Message(f"{lock.target} is unlocked (it was locked for: {lock.reason})."),
            data={"target": lock.target, "locked": False},
        )

    async def _require_admin(self, request: Request, why: str) -> None:
        try:
            await self._operations.check(ADMIN, request.actor)
        except Refused as error:
            hint = "They can unlock it, and so can an admin."
            raise Refused(f"Not unlocked: {why}.", hint=hint) from error

    async def _back(self, request: Request, modals: Modals) -> Answer | None:
        """The button: a deploy that is still watched is cancelled, which takes it back."""
        operation = await self._operations.get(int(request.value))
        if operation.state is OperationState.RUNNING:
            if operation.plan.rule != ACCESS:
                await self._operations.check(operation.plan.rule, request.actor)
            await self._deploys.cancel(operation.id, actor=request.actor)
            told = f"Deploy {operation.id} was asked to stop, which takes it back."
            return Answer(Message(f"{told} {followed(self._operations.told_in)}"))
        wanted = {"deploy": operation.id}
        target = operation.plan.target
        return await self._asking.ask(request, modals, rollback.RUNBOOK, target, wanted)

    async def _back_with(self, request: Request, modals: Modals) -> Answer | None:
        operation = await self._operations.get(int(request.value))
        wanted = {"deploy": operation.id, "with": request.text}
        await self._operations.check(rollback.rule_of(wanted), request.actor)
        target = operation.plan.target
        return await self._asking.ask(request, modals, rollback.RUNBOOK, target, wanted)

    async def _status(self, target: str) -> Answer:
        running = await self._deploys.running(target)
        data = {
            "target": target,
            "commit": running.commit,
            "names": list(running.names),
            "since": running.since,
            "locked_by": running.lock.holder if running.lock else None,
            "migrations": {
                "missing": list(running.migrations.missing),
                "left": list(map(str, running.migrations.left)),
                "not_known": running.migrations.why,
            },
        }
        return Answer(view.status(running, datetime.now(UTC)), data=data)

    async def _history(self, target: str) -> Answer:
        operations = await self._deploys.history(target)
        ways = await self._deploys.ways_back(target, operations)
        return Answer(
            view.history(target, operations, ways, datetime.now(UTC)),
            data={
                "target": target,
                "deploys": [view.as_data(each, ways.get(each.id)) for each in operations],
            },
        )
