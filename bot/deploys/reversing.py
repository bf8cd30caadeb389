"""The step that reverses an app's migrations, and its way back: they are applied again."""

from __future__ import annotations

from collections.abc import Sequence

from bot.deploys.deployment import Deployment
from bot.deploys.migrations import applied, kept_in
from bot.deploys.model import Migration, applied_since
from bot.deploys.steps import end_manage, named, run_manage
from bot.errors import Failed, OpsbellError
from bot.operations.model import StepContext
from bot.words import Sign


async def apply_again(deployment: Deployment, context: StepContext) -> str:
    """Applies what was reversed once more. The code and the images that ran before are back by
    then, but where the step says `forward: false` they do not have these migrations: that is said.
    What is so then, as a sentence.

    Raises Failed with what stays reversed under code that has it.
    """
    await end_manage(deployment, context)
    if not (gone := await _gone(deployment, context)):
        return ""
    if not context.step.planned.arguments["forward"]:
        return f"{Sign.WARNING} {named(gone)} {_stay(gone)} reversed. {_kept(deployment)}".rstrip()
    last = gone[-1]
    try:
        await run_manage(deployment, context, ("migrate", last.app, last.name))
        if left := await _gone(deployment, context):
            raise Failed(f"Django has ended, but {named(left)} {_stay(left)} reversed.")
    except OpsbellError as error:
        output = error.output if isinstance(error, Failed) else ""
        raise Failed(
            f"{named(gone)} {_stay(gone)} reversed, which the code needs: {error.message}",
            hint=_kept(deployment),
            output=output,
        ) from error
    verb = "is" if len(gone) == 1 else "are"
    return f"{named(gone)} {verb} applied again. {_kept(deployment)}".rstrip()


async def _gone(deployment: Deployment, context: StepContext) -> Sequence[Migration]:
    """The migrations of the step's app that the database had when the operation began."""
    app = context.step.planned.arguments["command"][1]
    before, now = kept_in(deployment) or (), await applied(deployment.target) or ()
    return [each for each in applied_since(now, before) if each.app == app]


def _stay(migrations: Sequence[Migration]) -> str:
    return "stays" if len(migrations) == 1 else "stay"


def _kept(deployment: Deployment) -> str:
    """Where the data are that were dropped, as a sentence."""
    backup = deployment.result("backup.publish").get("set")
    return f"The data that went are in the backup {backup}." if backup else ""
