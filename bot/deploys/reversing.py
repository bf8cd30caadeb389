"""The steps that reverse migrations, and their way back: they are applied again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.deploys.deployment import Deployment, Result
from bot.deploys.migrations import applied, from_json, kept_in
from bot.deploys.model import Migration, applied_since, first_of
from bot.deploys.steps import end_manage, manage, named, run_manage
from bot.errors import Failed, OpsbellError
from bot.operations.model import Operation, Step, StepContext
from bot.words import Sign, count

_IRREVERSIBLE = "-> IRREVERSIBLE"
"""How a line of Django's plan ends that tells of an operation which has no way back."""

_PLANNED = re.compile(r"[a-z_]\w*\.\w+", re.IGNORECASE)


class _Heard:
    """A step's context that remembers what its command writes."""

    def __init__(self, context: StepContext) -> None:
        self.operation: Operation = context.operation
        self.step: Step = context.step
        self.lines: list[str] = []
        self._context = context

    async def progress(self, note: str, share: float | None = None) -> None:
        """Said of the step."""
        await self._context.progress(note, share)

    async def output(self, text: str) -> None:
        """Kept, and given on."""
        self.lines += text.splitlines()
        await self._context.output(text)


async def check(deployment: Deployment, context: StepContext) -> Result:
    """Asks Django, before anything is reversed, whether all that is to go can be, and nothing else
    goes with it. Raises Failed where that is not so."""
    arguments = context.step.planned.arguments
    wanted = {str(each) for each in from_json(arguments["gone"])}
    planned: set[str] = set()
    for command in arguments["commands"]:
        heard = _Heard(context)
        await run_manage(deployment, heard, (*command, "--plan"))
        planned |= _planned(heard.lines)
    if left := sorted(wanted - planned):
        raise Failed(f"Nothing was reversed: Django does not plan to reverse {first_of(left)}.")
    if more := sorted(planned - wanted):
        told = "which was there before this deploy"
        raise Failed(f"Nothing was reversed: {first_of(more)} would go with them, {told}.")
    return {"note": f"{count(len(wanted), 'migration')}, all of them"}


def _planned(lines: Sequence[str]) -> set[str]:
    """The migrations that Django says it would take back. Raises Failed for what it cannot."""
    found, last = set(), ""
    for line in lines:
        if _PLANNED.fullmatch(line):
            last = line
            found.add(line)
        elif line.endswith(_IRREVERSIBLE):
            raise Failed(
                f"Nothing was reversed: {last} cannot be ({line.strip()}).",
                hint="The database of before can be brought back instead: --database.",
            )
    return found


async def reverse(deployment: Deployment, context: StepContext) -> Result:
    """Takes one app's migrations back, and proves it."""
    result = await manage(deployment, context)
    now = await applied(deployment.target) or ()
    gone = from_json(context.step.planned.arguments["gone"])
    if left := [each for each in gone if each in now]:
        raise Failed(f"Django has ended, but {named(left)} {_stay(left)} applied.")
    return result


async def apply_again(deployment: Deployment, context: StepContext) -> str:
    """Applies what was reversed once more, as far as the code has it that ran before and is back
    by then: up to the migration that the step calls `forward`. What is so then, as a sentence.

    Raises Failed with what stays reversed under code that has it.
    """
    await end_manage(deployment, context)
    if not (gone := await _gone(deployment, context)):
        return ""
    last = context.step.planned.arguments["forward"]
    here = [each.name for each in gone].index(last) + 1 if _is_among(last, gone) else 0
    wanted, left = gone[:here], gone[here:]
    if wanted:
        await _apply(deployment, context, wanted)
    verb = "is" if len(wanted) == 1 else "are"
    told = [f"{named(wanted)} {verb} applied again."] if wanted else []
    told += [f"{Sign.WARNING} {named(left)} {_stay(left)} reversed."] if left else []
    return " ".join([*told, _kept(deployment)]).rstrip()


async def _apply(deployment: Deployment, context: StepContext, wanted: Sequence[Migration]) -> None:
    last = wanted[-1]
    try:
        await run_manage(deployment, context, ("migrate", last.app, last.name))
        still = await _gone(deployment, context)
        if left := [each for each in wanted if each in still]:
            raise Failed(f"Django has ended, but {named(left)} {_stay(left)} reversed.")
    except OpsbellError as error:
        output = error.output if isinstance(error, Failed) else ""
        raise Failed(
            f"{named(wanted)} {_stay(wanted)} reversed, which the code needs: {error.message}",
            hint=_kept(deployment),
            output=output,
        ) from error


async def _gone(deployment: Deployment, context: StepContext) -> Sequence[Migration]:
    """The migrations of the step's app that the database had when the operation began."""
    app = context.step.planned.arguments["command"][1]
    before, now = kept_in(deployment) or (), await applied(deployment.target) or ()
    return [each for each in applied_since(now, before) if each.app == app]


def _is_among(name: str, migrations: Sequence[Migration]) -> bool:
    return any(each.name == name for each in migrations)


def _stay(migrations: Sequence[Migration]) -> str:
    return "stays" if len(migrations) == 1 else "stay"


def _kept(deployment: Deployment) -> str:
    """Where the data are that were dropped, as a sentence."""
    backup = deployment.result("backup.publish").get("set")
    return f"The data that went are in the backup {backup}." if backup else ""
