"""The steps of a deploy that are the same for every runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import words
from bot.config.targets import HostTarget
from bot.deploys import compose, host, images
from bot.deploys.deployment import CHECK, STATIC, SWITCH, Deployment, Result
from bot.deploys.health import Look, is_healthy, is_hidden, proven, was_hidden, within
from bot.deploys.looking import require_clean, require_no_collision, require_room
from bot.deploys.migrations import applied, as_json, kept_in
from bot.deploys.model import Migration, applied_since, short
from bot.errors import Failed, OpsbellError, Refused
from bot.maintenance.file import maintenance_file
from bot.operations.model import StepContext
from bot.runbooks.commands import mark_of, run_command
from bot.runbooks.kinds_sql import end_sessions


async def check(deployment: Deployment, context: StepContext) -> Result:
    """Makes sure that the tree is as it was planned for, and that there is room; sees whether the
    application is well."""
    repository = deployment.repository
    await require_clean(repository)
    head = await repository.head()
    if head.commit != deployment.start:
        raise Refused(
            f"Nothing was changed: {short(head.commit)} is checked out, not"
            f" {short(deployment.start)}, from which this was planned."
        )
    difference = await repository.between(deployment.start, deployment.commit)
    await require_no_collision(repository, difference)
    free = await require_room(repository, deployment.commit)
    hidden = await was_hidden(deployment)
    well = await is_healthy(deployment, hidden=hidden)
    state = "healthy" if well else f"{words.Sign.WARNING} not healthy before the deploy"
    if hidden and well:
        state = f"{words.Sign.WARNING} the health URL is behind the maintenance page"
    return {"note": f"{words.size(free)} free, {state}", "healthy": well, "hidden": hidden}


async def keep(deployment: Deployment, context: StepContext) -> Result:
    """Keeps what the way back needs: which migrations the database has had."""
    migrations = await applied(deployment.target)
    hidden = await is_hidden(deployment)
    kept = {} if is_on_host(deployment) else await images.keep(deployment, context)
    told = "" if migrations is None else f", {words.count(len(migrations), 'migration')} applied"
    return {
        "note": f"{short(deployment.start)}{told}",
        "migrations": as_json(migrations),
        "hidden": hidden,
        **kept,
    }


async def bring_back(deployment: Deployment, context: StepContext) -> None:
    """Starts what ran before once more, where the deploy had come to the switch, and proves that
    it is healthy. The work tree is back by then.

    What is not proven healthy is not opened to visitors: where this fails, maintenance stays on.
    """
    try:
        await _bring_back(deployment, context)
    except OpsbellError as error:
        if not deployment.begun(SWITCH) or not await _keep_closed(deployment):
            raise
        output = error.output if isinstance(error, Failed) else ""
        hint = "It stays in maintenance; /maintenance off opens it."
        raise Failed(error.message, hint=hint, output=output) from error


async def _keep_closed(deployment: Deployment) -> bool:
    """Makes the maintenance file of this operation one that people remove; whether there is one."""
    if deployment.settings.maintenance is None:
        return False
    file = maintenance_file(deployment.target, deployment.settings)
    there = await file.read()
    if there is None:
        return False
    if there.operation == deployment.operation.id:
        reason = f"not healthy after deploy {deployment.operation.id} was taken back"
        await file.put(replace(there, operation=0, until=None, reason=reason))
    return True


async def _bring_back(deployment: Deployment, context: StepContext) -> None:
    await deployment.target.end_marked(mark_of(context))
    head = await deployment.repository.head()
    if head.commit != deployment.start:
        raise Failed(f"{short(deployment.start)} is not checked out again, so nothing was started.")
    if not is_on_host(deployment):
        await compose.bring_back(deployment, context)
    if not deployment.begun(SWITCH):
        return
    if deployment.begun(STATIC):
        await run_manage(deployment, context, ("collectstatic", "--noinput"))
    if is_on_host(deployment):
        await host.restart(deployment, context)
    if deployment.result(CHECK).get("healthy"):
        hidden = bool(context.step.result.get("hidden"))
        await proven(Look(deployment, hidden), within(deployment), context)


def is_on_host(deployment: Deployment) -> bool:
    """Whether the application's processes run on this machine."""
    return isinstance(deployment.settings, HostTarget)


async def manage(deployment: Deployment, context: StepContext) -> Result:
    """Runs the step's `command`, one of Django's."""
    last = await run_manage(deployment, context, context.step.planned.arguments["command"])
    return {"note": last[:150]}


async def run_manage(deployment: Deployment, context: StepContext, command: Sequence[str]) -> str:
    """Runs one of Django's commands where the target's code is; its last line. Raises Failed."""
    if not is_on_host(deployment):
        return await compose.manage(deployment, context, *command)
    argv = (*deployment.choices.manage, *command)
    return await run_command(
        deployment.target,
        context,
        argv,
        environment={"PGAPPNAME": mark_of(context)},
        name=f"manage.py {command[0]}",
    )


async def end_manage(deployment: Deployment, context: StepContext) -> None:
    """Ends what still runs of it, in the database too: a server goes on with the statement of a
    migration whose process was killed, and holds its locks meanwhile."""
    if is_on_host(deployment):
        await deployment.target.end_marked(mark_of(context))
    else:
        await compose.end_manage(deployment, context)
    if deployment.settings.database:
        await end_sessions(deployment.target, mark_of(context))


async def manage_not_known(deployment: Deployment, context: StepContext) -> Result | None:
    """None, once what still runs of it is ended: it can be run again."""
    await end_manage(deployment, context)
    return None


async def migrate(deployment: Deployment, context: StepContext) -> Result:
    """Runs the migrations, and tells which the database has had by it, also where one fails."""
    try:
        result = await manage(deployment, context)
    except Failed as error:
        left = await _left_by_migrations(deployment)
        back = f"/deploy rollback {deployment.operation.id}"
        hint = (
            f"{back} --database brings back the database of before; {back} --migrations reverses"
            " those that count as applied."
        )
        raise Failed(f"{error.message} {left}", hint=hint, output=error.output) from error
    new = await _new_migrations(deployment)
    if new is None:
        return result
    return {
        "note": f"{named(new)} applied" if new else "nothing to apply",
        "applied": as_json([*new]),
    }


async def _left_by_migrations(deployment: Deployment) -> str:
    """What a migration that failed leaves, as a sentence."""
    new = await _new_migrations(deployment)
    if new is None:
        return "What it has done to the database is not known."
    verb = "stays" if len(new) == 1 else "stay"
    stay = f"{named(new)} {verb} applied" if new else "No migration counts as applied"
    return f"{stay}; what the failed one did stays too, unless it was atomic."


async def _new_migrations(deployment: Deployment) -> Sequence[Migration] | None:
    """The migrations that the database has had since the deploy began, None where that is not
    known."""
    before, now = kept_in(deployment), await applied(deployment.target)
    return None if before is None or now is None else applied_since(before, now)


def named(migrations: Sequence[Migration]) -> str:
    """How many they are, and which, for people."""
    told = ", ".join(str(each) for each in migrations[:5]) + (" …" if len(migrations) > 5 else "")
    return f"{words.count(len(migrations), 'migration')} ({told})"


async def migrations_stay(deployment: Deployment, context: StepContext) -> None:
    """Ends what still runs of it, and says what stays: going back is for a person to choose."""
    await end_manage(deployment, context)
    if new := await _new_migrations(deployment):
        verb = "stays" if len(new) == 1 else "stay"
        await context.progress(f"{words.Sign.WARNING} {named(new)} {verb} applied")


async def switch(deployment: Deployment, context: StepContext) -> Result:
    """Starts the new revision in place of the old one."""
    if is_on_host(deployment):
        return {"note": await host.restart(deployment, context)}
    return await compose.switch(deployment, context)


async def end_switch(deployment: Deployment, context: StepContext) -> None:
    """Ends what still runs of it. What ran before comes back by what kept it."""
    if is_on_host(deployment):
        await deployment.target.end_marked(mark_of(context))
    else:
        await compose.end_switch(deployment, context)


async def switched(deployment: Deployment, context: StepContext) -> Result | None:
    """Whether the new revision has taken the old one's place. A restart cannot be seen: None."""
    if is_on_host(deployment):
        await deployment.target.end_marked(mark_of(context))
        return None
    return await compose.switched(deployment, context)


async def use_images(deployment: Deployment, context: StepContext) -> Result:
    """Has Compose find the images that an earlier deploy has kept."""
    wanted = context.step.planned.arguments["images"]
    await images.put_back(deployment, wanted)
    return {"note": words.join(sorted(wanted))}


async def images_back(deployment: Deployment, context: StepContext) -> None:
    """Has Compose find those that ran when this began."""
    await images.put_back(deployment, compose.kept(deployment))
