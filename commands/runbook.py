"""`/runbook`: the configured procedures, their plans, and running them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from bot.config.access import RUNBOOK, runbook_rule
from bot.config.runbooks import Runbook
from bot.config.settings import Settings
from bot.errors import NotFound, UsageError
from bot.operations.asking import Asking, plan_asked
from bot.runbooks import view
from bot.runbooks.parameters import accepted, given_in, missing, wrong
from bot.runbooks.service import Runbooks
from bot.slack.surface import Answer, Call, Command, Form, Modals, Request, Usage
from bot.slack.text_in import resolve_target, split

WORDS = ("list", "plan")
USAGES = (
    Usage("/runbook list", "The runbooks there are"),
    Usage("/runbook NAME [KEY=VALUE …]", "Run one, after showing its plan", "/runbook db-optimize"),
    Usage("/runbook plan NAME [KEY=VALUE …]", "Show its plan alone"),
)


class RunbookCommand:
    """Parses the words and asks the runbooks."""

    def __init__(self, settings: Settings, runbooks: Runbooks, asking: Asking) -> None:
        self._settings = settings
        self._runbooks = runbooks
        self._asking = asking

    def command(self) -> Command:
        """What is registered."""
        return Command("runbook", "Run a procedure of yours", USAGES, self.parse, WORDS)

    def forms(self) -> list[Form]:
        """The windows that ask for parameters, one for each runbook that has any."""
        return [
            self._form(name, runbook)
            for name, runbook in self._settings.runbooks.items()
            if runbook.params
        ]

    def parse(self, request: Request) -> Call:
        """What the words mean. Raises UsageError."""
        words, plan_only = plan_asked(split(request.text))
        named = [word for word in words if not word.startswith("in:")]
        if not named or (named == ["list"] and not plan_only):
            return Call(RUNBOOK, query=lambda request, modals: self._list())
        name, runbook = self._found(named[0])
        target = self._target(request, runbook, words)
        given = given_in(runbook, named[1:])
        for key, expected in wrong(runbook, given).items():
            raise UsageError(f"{key} has to be {expected}.")
        rule = runbook_rule(name)
        if missing(runbook, given) and not plan_only and not request.user.startswith("os:"):
            return Call(
                rule,
                query=lambda request, modals: self._ask(request, modals, name, target, given),
                window="Runbook",
            )
        parameters = accepted(runbook, given)
        return self._asking.call(rule, rule, target, parameters, plan_only=plan_only)

    def _found(self, name: str) -> tuple[str, Runbook]:
        try:
            return name, self._runbooks.find(name)
        except NotFound as error:
            raise UsageError(error.message, hint=error.hint) from None

    def _target(self, request: Request, runbook: Runbook, words: list[str]) -> str:
        if runbook.target is None:
            channel = (request.channel, request.channel_name)
            return resolve_target(self._settings, words, *channel)[0]
        others = [word for word in words if word.startswith("in:")]
        if any(word != f"in:{runbook.target}" for word in others):
            raise UsageError(f"This runbook is for {runbook.target}.")
        return runbook.target

    async def _list(self) -> Answer:
        runbooks = self._settings.runbooks
        told = view.listing(runbooks, f"/{self._settings.slack.command_prefix}runbook")
        return Answer(told, data={"runbooks": view.as_data(runbooks)})

    async def _ask(
        self, request: Request, modals: Modals, name: str, target: str, given: Mapping[str, str]
    ) -> Answer | None:
        runbook = self._runbooks.find(name)
        if not request.trigger_id:
            # Where no window can be opened, such as in a thread, the words say all.
            accepted(runbook, given)
        # The answer to the form is shown where the command was typed.
        place = json.dumps({"channel": request.channel, "thread": request.thread})
        await modals.open(request, view.asking(name, runbook, target, given, place))
        return None

    def _form(self, name: str, runbook: Runbook) -> Form:
        rule = runbook_rule(name)

        def filled_in(request: Request) -> dict[str, str]:
            return {key: str(request.fields.get(key) or "") for key in runbook.params}

        async def ask(request: Request, modals: Modals) -> Answer | None:
            place = json.loads(request.metadata)
            # The form has closed: what comes next is no window on top of it.
            asked = replace(request, view_id="", channel=place["channel"], thread=place["thread"])
            return await self._asking.ask(
                asked, modals, rule, request.text, accepted(runbook, filled_in(request))
            )

        def trouble(request: Request) -> Mapping[str, str]:
            told = wrong(runbook, filled_in(request))
            return {key: f"It has to be {expected}." for key, expected in told.items()}

        return Form(view.form_of(name), Call(rule, query=ask), trouble)
