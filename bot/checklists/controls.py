"""What can be clicked and filled in on a checklist's messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.checklists import dialogs
from bot.checklists.dialogs import Deed
from bot.checklists.lookup import Lookup
from bot.checklists.service import Checklists
from bot.errors import UsageError
from bot.slack.message import Message
from bot.slack.surface import Answer, Call, Control, Form, Modals, Request, Surface
from bot.store.database import Transaction

ACCESS = "checklist"


class Controls:
    """Turns clicks into the verbs of the checklists. `register` adds them to a surface."""

    def __init__(self, checklists: Checklists, lookup: Lookup) -> None:
        self._checklists = checklists
        self._lookup = lookup

    def register(self, surface: Surface) -> None:
        """Adds every control and form of the checklists."""
        surface.add(
            Control("checklist.tick", Call(ACCESS, change=self._tick)),
            Control("checklist.again", Call(ACCESS, change=self._look_again)),
            Control("checklist.make_up", Call(ACCESS, change=self._make_up)),
            Control("checklist.details", Call(ACCESS, query=self._details, window="Details")),
            Control(dialogs.MORE, Call(ACCESS, query=self._more, window="More")),
            Control(dialogs.CHOOSE, Call(ACCESS, query=self._choose)),
            Form(dialogs.MORE, Call(ACCESS, change=self._do), validate),
        )

    async def _tick(self, request: Request, tx: Transaction) -> None:
        run, position = _pair(request.text)
        done = str(position) in request.chosen
        await self._checklists.tick(tx, run, position, done=done, actor=request.actor)

    async def _look_again(self, request: Request, tx: Transaction) -> None:
        run, _ = _pair(request.text)
        await self._checklists.look_again(tx, run, request.actor)

    async def _make_up(self, request: Request, tx: Transaction) -> Answer | None:
        name, _, due = request.value.partition("|")
        due_at = datetime.fromisoformat(due)
        if await self._checklists.make_up(tx, name, due_at, request.actor):
            return None
        return Answer(Message("It was posted already."))

    async def _details(self, request: Request, modals: Modals) -> None:
        run_id, page = _pair(request.text)
        run, history = await self._lookup.run(run_id)
        await modals.open(request, dialogs.details(run, page, history))

    async def _more(self, request: Request, modals: Modals) -> None:
        run_id, page = _pair(request.text)
        run, history = await self._lookup.run(run_id)
        await modals.open(request, dialogs.more(run, page, history))

    async def _choose(self, request: Request, modals: Modals) -> None:
        run_id, page = _pair(request.metadata)
        run, history = await self._lookup.run(run_id)
        chosen = int(request.value or 0)
        await modals.update(request.view_id, dialogs.more(run, page, history, chosen))

    async def _do(self, request: Request, tx: Transaction) -> None:
        run, _ = _pair(request.metadata)
        position, text = int(request.fields["item"]), _text(request)
        who, verbs = request.actor, self._checklists
        match Deed(request.fields["what"]):
            case Deed.NOT_APPLICABLE:
                await verbs.not_applicable(tx, run, position, text, who)
            case Deed.NOTE:
                await verbs.note(tx, run, position, text, who)
            case Deed.CLAIM:
                await verbs.claim(tx, run, position, who)
            case Deed.UNCLAIM:
                await verbs.unclaim(tx, run, position, who)
            case Deed.REFRESH:
                await verbs.refresh(tx, run, position, who)


def validate(request: Request) -> Mapping[str, str]:
    """What is wrong with a filled-in More modal, by block."""
    missing = {
        block: f"Choose {what}."
        for block, what in (("item", "an item"), ("what", "what to do"))
        if not request.fields.get(block)
    }
    if missing:
        return missing
    problem = Deed(request.fields["what"]).needs_text
    return {"text": problem} if problem and not _text(request) else {}


def _text(request: Request) -> str:
    return str(request.fields.get("text") or "").strip()


def _pair(text: str) -> tuple[int, int]:
    """`12:3` → 12, 3."""
    first, _, second = text.partition(":")
    try:
        return int(first), int(second)
    except ValueError:
        raise UsageError("That control belongs to no checklist.") from None
