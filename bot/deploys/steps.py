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
from bot.deploys.model import Migration, applied_since, first_of, short
from bot.errors import Failed, OpsbellError, Refused
from bot.maintenance.file import maintenance_file
from bot.operations.model import StepContext
from bot.operations.states import StepState
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
    look = Look(deployment, await was_hidden(deployment))
    well = await is_healthy(look)
    state = "healthy" if look.proves else "no health URL is configured"
    if not well:
        state = f"{words.Sign.WARNING} not healthy before the deploy"
    elif look.hidden:
        state = f"{words.Sign.WARNING} the health URL is behind the maintenance page"
    return {"note": f"{words.size(free)} free, {state}", "healthy": well, "hidden": look.hidden}


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


async def bring_back(deployment: Deployment, context: StepContext) -> str:
    """Starts what ran before once more, where the deploy had come to the switch, and proves that
    it is healthy; what runs now, as a sentence. The work tree is back by then.

    What is not proven healthy is not opened to visitors: where this fails, maintenance stays on.
    """
    try:
        return await _bring_back(deployment, context)
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


async def _bring_back(deployment: Deployment, context: StepContext) -> str:
    await deployment.target.end_marked(mark_of(context))
    head = await deployment.repository.head()
    if head.commit != deployment.start:
        raise Failed(f"{short(deployment.start)} is not checked out again, so nothing was started.")
    if not is_on_host(deployment):
        await compose.bring_back(deployment, context)
    revision = await _named_start(deployment)
    if not deployment.begun(SWITCH):
        return f"{revision} runs as before; it was never stopped."
    if deployment.begun(STATIC):
        await run_manage(deployment, context, ("collectstatic", "--noinput"))
    if is_on_host(deployment):
        await host.restart(deployment, context)
    return await _how_it_runs(deployment, context, revision)


async def _named_start(deployment: Deployment) -> str:
    """The revision of before with the names that it goes by."""
    names = await deployment.repository.names_of(deployment.start)
    told = f" ({words.join(names)})" if names else ""
    return f"{short(deployment.start)}{told}"


async def _how_it_runs(deployment: Deployment, context: StepContext, revision: str) -> str:
    """Proves that what was started again is healthy, as far as that can be seen; a sentence."""
    if not deployment.result(CHECK).get("healthy"):
        told = "its health is not proven, since it was not healthy before this either"
        return f"{revision} was started again; {words.Sign.WARNING} {told}."
    look = Look(deployment, hidden=bool(context.step.result.get("hidden")))
    try:
        seen = await proven(look, within(deployment), context)
    except Failed as error:
        told = f"{revision} was started again and is not proven healthy: {error.message}"
        raise Failed(told, output=error.output) from error
    if not look.proves:
        told = f"{words.Sign.WARNING} whether it is healthy cannot be seen"
        return f"{revision} was started again; {told} ({seen})."
    return f"{revision} runs again and is proven healthy ({seen})."


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
    """Runs the migrations, and tells which the database has had by it."""
    result = await manage(deployment, context)
    new = await _new_migrations(deployment)
    if new is None:
        return result
    return {
        "note": f"{named(new)} applied" if new else "nothing to apply",
        "applied": as_json([*new]),
    }


async def _new_migrations(deployment: Deployment) -> Sequence[Migration] | None:
    """The migrations that the database has had since the deploy began, None where that is not
    known."""
    before, now = kept_in(deployment), await applied(deployment.target)
    return None if before is None or now is None else applied_since(before, now)


def named(migrations: Sequence[Migration]) -> str:
    """How many they are, and which, for people."""
    return f"{words.count(len(migrations), 'migration')} ({first_of(migrations)})"


async def migrations_stay(deployment: Deployment, context: StepContext) -> str:
    """Ends what still runs of it, and says what stays in the database and what can be done about
    it, which is for a person to choose."""
    await end_manage(deployment, context)
    new, whole = await _new_migrations(deployment), context.step.state is StepState.DONE
    if new is None:
        told = "what its migrations did to the database is not known."
        return f"{words.Sign.WARNING} Not taken back: {told}"
    if whole and not new:
        return ""
    verb = "stays" if len(new) == 1 else "stay"
    stay = f"{named(new)} {verb} applied in the database" if new else "No migration was finished"
    cut = "" if whole else "; what the one that failed did stays too, unless it was atomic"
    return f"{words.Sign.WARNING} {stay}{cut}. {_ways_back(deployment, bool(new))}".rstrip()


def _ways_back(deployment: Deployment, applied: bool) -> str:
    """What people can do about migrations that stay, as a sentence."""
    back = f"/deploy rollback {deployment.operation.id}"
    ways = [f"{back} --migrations reverses what is applied"] if applied else []
    if deployment.result("backup.publish").get("set"):
        ways.append(f"{back} --database brings back the database of before")
    return f"{', '.join(ways)}." if ways else ""


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
