"""`/restore`: bring a backup back, after its plan was seen and confirmed, and take that back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.backups.view import RESTORE
from bot.config.settings import Settings
from bot.errors import UsageError
from bot.operations.asking import WINDOW, Asking, plan_asked
from bot.restores import view
from bot.restores.model import ACCESS, RUNBOOK, UNDO_RUNBOOK, file_name
from bot.restores.service import Restores
from bot.slack.surface import Answer, Call, Command, Control, Form, Modals, Request, Usage
from bot.slack.text_in import resolve_target, split

NO_BACKUP = "--no-backup"
ALL = "all"
WORDS = ("latest", "undo", "status", "plan")
USAGES = (
    Usage("/restore", "Choose a backup to restore"),
    Usage(
        "/restore ID [PARTS]",
        "Restore the database of a backup, or the parts that are named; latest is an ID, too",
        "/restore latest media",
    ),
    Usage("/restore ID all", "Restore all that a backup holds: files and configuration, too"),
    Usage("/restore file:NAME.sql", "Restore a plain dump that lies beside the backups"),
    Usage("/restore undo [PARTS]", "Put back what the last one has replaced"),
    Usage("/restore status", "What is kept for an undo"),
    Usage("/restore plan ID", "What would be run; nothing is", "/restore plan latest"),
    Usage("/restore ID --no-backup", "Without the safety backup, where none can be taken"),
)


class RestoreCommand:
    """Parses the words and asks the restores."""

    def __init__(self, settings: Settings, restores: Restores, asking: Asking) -> None:
        self._settings = settings
        self._restores = restores
        self._asking = asking

    def command(self) -> Command:
        """What is registered."""
        return Command("restore", "Bring a backup back", USAGES, self.parse, WORDS)

    def form(self) -> Form:
        """The window in which a backup is chosen."""

        async def ask(request: Request, modals: Modals) -> Answer | None:
            place = json.loads(request.metadata)
            # The form has closed: what comes next is no window on top of it.
            asked = replace(request, view_id="", channel=place["channel"], thread=place["thread"])
            parameters = {
                "set": str(request.fields.get(view.SET) or ""),
                "parts": view.picked_parts(request.fields),
                "whole": False,
            }
            return await self._asking.ask(asked, modals, RUNBOOK, request.text, parameters)

        return Form(view.PICK, Call(ACCESS, query=ask))

    def controls(self) -> list[Control]:
        """The menu in that window, the button that opens it for one backup, and the way back from
        a restore that is done."""
        return [
            Control(view.CHOOSE, Call(ACCESS, query=self._chosen)),
            Control(RESTORE, Call(ACCESS, query=self._pick, window="Restore")),
            Control(view.UNDO, Call(ACCESS, query=self._undo, window=WINDOW)),
        ]

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        target, typed = resolve_target(
            self._settings, split(request.text), request.channel, request.channel_name
        )
        words, plan_only = plan_asked(typed)
        backup = NO_BACKUP not in words
        words = [word for word in words if word != NO_BACKUP]
        if odd := next((word for word in words if word.startswith("--")), None):
            raise UsageError(f"/restore does not know {odd[:30]}.")
        match [word.lower() for word in words[:1]]:
            case [] if not plan_only:
                return Call(
                    ACCESS,
                    query=lambda request, modals: self._choose(request, modals, target),
                    window="Restore",
                )
            case []:
                raise UsageError("Say which backup: its ID, the beginning of it, or latest.")
            case ["status"] if len(words) == 1:
                return Call(ACCESS, query=lambda request, modals: self._status(target))
            case ["undo"]:
                parts = self._restores.parts(target, words[1:])
                wanted = {"parts": list(parts)}
                return self._asking.call(ACCESS, UNDO_RUNBOOK, target, wanted, plan_only=plan_only)
        file_name(words[0])
        named, whole = words[1:], False
        if [word.lower() for word in named] == [ALL]:
            # Files may be called so: then it is them.
            whole = ALL not in self._restores.known_parts(target)
        parts = () if whole else self._restores.parts(target, named)
        parameters = {"set": words[0], "parts": list(parts), "whole": whole, "backup": backup}
        return self._asking.call(ACCESS, RUNBOOK, target, parameters, plan_only=plan_only)

    async def _choose(self, request: Request, modals: Modals, target: str) -> Answer | None:
        sets = await self._restores.sets(target)
        if not sets or not request.trigger_id or request.user.startswith("os:"):
            slash = f"/{self._settings.slack.command_prefix}restore"
            names = await self._restores.names(sets)
            return Answer(
                view.listing(target, sets, names, datetime.now(UTC), slash=slash),
                data={"target": target, "backups": [one.id for one in sets]},
            )
        await modals.open(request, await self._picker(target, _place(request)))
        return None

    async def _pick(self, request: Request, modals: Modals) -> None:
        """The button beside a backup: the window in which it is chosen already."""
        target, _, wanted = request.value.partition(" ")
        await modals.open(request, await self._picker(target, _place(request), wanted))

    async def _chosen(self, request: Request, modals: Modals) -> None:
        """A backup was chosen in the window: its parts are offered."""
        shown = await self._picker(request.text, request.metadata, request.value)
        await modals.update(request.view_id, shown)

    async def _picker(self, target: str, place: str, chosen: str = "") -> Mapping[str, Any]:
        sets, known = await self._restores.sets(target), self._restores.known_parts(target)
        names = await self._restores.names(sets)
        return view.picker(target, sets, known, names, datetime.now(UTC), place, chosen)

    async def _undo(self, request: Request, modals: Modals) -> Answer | None:
        target, wanted = await self._restores.undoing(int(request.value))
        return await self._asking.ask(request, modals, UNDO_RUNBOOK, target, wanted)

    async def _status(self, target: str) -> Answer:
        kept = await self._restores.kept(target)
        slash = f"/{self._settings.slack.command_prefix}restore"
        left = await self._restores.left(target)
        told = view.standing(target, kept, left, self._settings.timezone, slash=slash)
        data = {
            "target": target,
            "kept": [view.as_data(one) for one in kept],
            "unpacked": [
                {**view.as_data(one), "stays": left.stays.get(one.id, "")} for one in left.beside
            ],
            "left": list(left.commands),
        }
        return Answer(told, data=data)


def _place(request: Request) -> str:
    """Where the answer to the window goes."""
    return json.dumps({"channel": request.channel, "thread": request.thread})
