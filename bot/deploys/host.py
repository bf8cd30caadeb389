"""The switch to another revision on a host target: its processes are restarted."""

from __future__ import annotations

from collections.abc import Sequence

from bot.config.targets import HostTarget
from bot.deploys.deployment import Deployment
from bot.errors import NotFound
from bot.operations.model import StepContext
from bot.runbooks.commands import run_command
from bot.words import join


def restarts(settings: HostTarget, services: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The services with the commands that restart them. Raises NotFound for one that is none."""
    if unknown := [name for name in services if name not in settings.services]:
        hint = f"It has {join(sorted(settings.services))}." if settings.services else ""
        raise NotFound(f"There is no service called {unknown[0]}.", hint=hint)
    return [(name, settings.services[name].restart) for name in services]


async def restart(deployment: Deployment, context: StepContext) -> str:
    """Restarts the services, one after another; a note."""
    if not isinstance(deployment.settings, HostTarget):
        raise TypeError("a host target alone has processes to restart")
    for name, argv in restarts(deployment.settings, deployment.services):
        await run_command(deployment.target, context, argv, name=f"the restart of {name}")
    return f"{join(list(deployment.services))} restarted"
