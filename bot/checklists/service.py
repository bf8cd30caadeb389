"""The verbs of the checklists. Each change happens in the transaction it is given: rows, events,
posts and jobs together. A run is locked first, so changes to one run happen one after another and
the message written last shows them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.checklists import store
from bot.checklists.jobs import Jobs
from bot.checklists.model import Item, ItemState, Run, carry_over, run_key
from bot.checklists.publish import Publisher
from bot.config.checklists import Checklist
from bot.config.settings import Settings
from bot.config.words import nearest
from bot.errors import NotFound, Refused
from bot.store.database import Transaction
from bot.store.events import Event

OPSBELL = "opsbell"


class Checklists:
    """What can be done with checklists. `redact` cleans what people type before it is kept."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        jobs: Jobs,
        *,
        redact: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.now = now
        self._publisher = publisher
        self._jobs = jobs
        self._redact = redact

    def configured(self, name: str) -> Checklist:
        """A checklist of the configuration. Raises NotFound, naming the nearest match."""
        known = self.settings.checklists
        if name in known:
            return known[name]
        listed = f"There are: {', '.join(known)}." if known else "None is configured."
        raise NotFound(f"There is no checklist {name}{nearest(name, known)}.", hint=listed)

    async def post(
        self, tx: Transaction, name: str, due_at: datetime | None, actor: str = OPSBELL
    ) -> Run | None:
        """Posts a checklist: for a due time of its cron line, or by hand (`due_at` None).

        None, with nothing changed, where that due time was posted before. The message does not
        wait for the evidence, which a job fills in. Raises NotFound.
        """
        run = await self._new_run(tx, name, due_at, actor)
        if not await store.insert(tx, run):
            return None
        self._record(tx, run, "checklist.posted", actor)
        await self._publisher.pages(tx, run, run.posted_at)
        await self._jobs.look(tx, run, (item.check for item in run.items))
        await self._jobs.defer_reminders(tx, run)
        return run

    async def tick(
        self, tx: Transaction, run_id: int, position: int, *, done: bool, actor: str
    ) -> None:
        """Makes an item done or open, as the person's checkbox now shows it.

        One that is done already stays with whoever did it first. Raises NotFound.
        """
        run, item = await self._hold(tx, run_id, position)
        if done and item.state is not ItemState.DONE:
            await store.set_state(tx, run_id, position, ItemState.DONE, by=actor, at=self.now())
            await self._changed(tx, run, item, "item.ticked", actor)
        elif not done and not item.open:
            await store.set_state(tx, run_id, position, ItemState.OPEN)
            await self._changed(tx, run, item, "item.unticked", actor)

    async def not_applicable(
        self, tx: Transaction, run_id: int, position: int, reason: str, actor: str
    ) -> None:
        """Closes an item that does not apply this time. Raises NotFound, Refused."""
        run, item = await self._hold(tx, run_id, position)
        if not item.open:
            raise Refused(f"“{item.text}” is closed already.", hint="Untick it first.")
        text = self._redact(reason)
        state = ItemState.NOT_APPLICABLE
        await store.set_state(tx, run_id, position, state, by=actor, at=self.now(), reason=text)
        await self._changed(tx, run, item, "item.not_applicable", actor, text)

    async def note(
        self, tx: Transaction, run_id: int, position: int, note: str, actor: str
    ) -> None:
        """Writes a note beside an item, in place of the one before. Raises NotFound."""
        run, item = await self._hold(tx, run_id, position)
        text = self._redact(note)
        await store.set_note(tx, run_id, position, text, actor)
        await self._changed(tx, run, item, "item.noted", actor, text)

    async def claim(self, tx: Transaction, run_id: int, position: int, actor: str) -> None:
        """Says that the person takes an item on. Raises NotFound, Refused."""
        run, item = await self._hold(tx, run_id, position)
        if not item.open:
            raise Refused(f"“{item.text}” is closed already.", hint="Untick it first.")
        await store.set_claim(tx, run_id, position, actor)
        await self._changed(tx, run, item, "item.claimed", actor)

    async def unclaim(self, tx: Transaction, run_id: int, position: int, actor: str) -> None:
        """Takes back a claim, one's own or another's. Raises NotFound, Refused."""
        run, item = await self._hold(tx, run_id, position)
        if not item.claimed_by:
            raise Refused(f"“{item.text}” is claimed by nobody.")
        await store.set_claim(tx, run_id, position, "")
        await self._changed(tx, run, item, "item.unclaimed", actor)

    async def refresh(self, tx: Transaction, run_id: int, position: int, actor: str) -> None:
        """Looks for an item's evidence again. Raises NotFound, Refused."""
        run, item = await self._hold(tx, run_id, position)
        if not item.check:
            hint = "Name one under its `check` in opsbell.yaml."
            raise Refused(f"“{item.text}” has no check behind it.", hint=hint)
        await store.forget_reading(tx, run_id, item.check)
        await self._jobs.look(tx, run, [item.check])
        await self._changed(tx, run, item, "item.refreshed", actor)

    async def look_again(self, tx: Transaction, run_id: int, actor: str) -> None:
        """Looks for the evidence of every open item again. Raises NotFound."""
        run = await store.lock(tx, run_id)
        if run is None:
            raise NotFound("That checklist is gone.", hint="Use /checklist status.")
        checks = {item.check for item in run.open_items} - {""}
        for check in checks:
            await store.forget_reading(tx, run_id, check)
        await self._jobs.look(tx, run, checks)
        self._record(tx, run, "checklist.refreshed", actor)
        await self._publisher.pages(tx, await store.reload(tx, run_id), self.now())

    async def missed(self, tx: Transaction, name: str, due_times: Sequence[datetime]) -> None:
        """Records that postings were missed, and says so in the channel in one message."""
        for due_at in due_times:
            tx.record(Event(OPSBELL, "checklist.missed", self.key(name, due_at), outcome="failed"))
        await self._publisher.missed(tx, name, due_times)

    async def make_up(self, tx: Transaction, name: str, due_at: datetime, actor: str) -> Run | None:
        """Posts what was missed; None where somebody did already. Raises NotFound."""
        run = await self.post(tx, name, due_at, actor)
        if run:
            await self._publisher.missed(tx, name, [due_at], made_up_by=actor)
        return run

    def skip(self, tx: Transaction, name: str, due_at: datetime, why: str) -> None:
        """Records that a due time was left out, and why."""
        key = self.key(name, due_at)
        tx.record(Event(OPSBELL, "checklist.skipped", key, outcome="noted", detail={"why": why}))

    def key(self, name: str, due_at: datetime) -> str:
        """The stable name of a due time's run."""
        return run_key(name, due_at, 0, self.settings.timezone)

    async def _new_run(
        self, tx: Transaction, name: str, due_at: datetime | None, actor: str
    ) -> Run:
        checklist = self.configured(name)
        now, run_id = self.now(), await store.next_id(tx)
        previous = await store.latest(tx, name, 1)
        return Run(
            id=run_id,
            key=run_key(name, due_at, run_id, self.settings.timezone),
            name=name,
            title=checklist.title,
            channel=self.settings.slack.channel(checklist.channel),
            due_at=due_at,
            posted_at=now,
            deadline=now + checklist.due if checklist.due else None,
            actor=actor,
            items=tuple(
                Item(position, item.text, check=item.check or "", who=item.who or "")
                for position, item in enumerate(checklist.items, 1)
            ),
            carried=carry_over(previous[0]) if previous else (),
        )

    async def _hold(self, tx: Transaction, run_id: int, position: int) -> tuple[Run, Item]:
        """The run and the item, held until the transaction ends."""
        run = await store.lock(tx, run_id)
        item = run.item(position) if run else None
        if run is None or item is None:
            raise NotFound("That checklist item is gone.", hint="Use /checklist status.")
        return run, item

    async def _changed(
        self,
        tx: Transaction,
        before: Run,
        item: Item,
        action: str,
        actor: str,
        text: str = "",
    ) -> None:
        """Records a change of an item, and makes every post of the run say it."""
        detail = {"position": item.position, "item": item.text, "text": text}
        tx.record(Event(actor, action, before.key, detail=detail))
        run, now = await store.reload(tx, before.id), self.now()
        if run.complete != before.complete:
            self._record(tx, run, f"checklist.{'completed' if run.complete else 'reopened'}", actor)
        if run.complete and not run.summarised_at and not run.time_up_at:
            await store.mark_summarised(tx, run.id, now)
            run = await store.reload(tx, run.id)
        await self._publisher.pages(tx, run, now)
        await self._publisher.outcome(tx, run, now)

    def _record(self, tx: Transaction, run: Run, action: str, actor: str) -> None:
        counts = {"items": len(run.items), "closed": run.closed}
        tx.record(Event(actor, action, run.key, detail=counts))
