"""What drills make and leave behind, as Docker knows it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from bot.targets.scratch import LABEL
from tests.parts.compose_project import CommandFailedError, ComposeProject, run


async def scratch_containers(project: ComposeProject) -> list[str]:
    """The scratch containers of a project, running or not, whoever made them."""
    shown = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    label = f"label={LABEL}"
    lines = await run("docker", "ps", "--all", "--format", shown, "--filter", label)
    made = [line.split(" ", 1) for line in lines.splitlines()]
    return [number for number, of in made if of.startswith(f"{project.project}/grandvps ")]


async def wait_for_scratch(project: ComposeProject) -> str:
    """The scratch container of a drill that runs, once it is there."""
    async with asyncio.timeout(180):
        while not (found := await scratch_containers(project)):
            await asyncio.sleep(0.05)
    return found[0]


async def inspect(container: str) -> dict[str, Any]:
    """All that Docker knows of a container."""
    (found,) = json.loads(await run("docker", "inspect", container))
    return dict(found)


def volumes_of(facts: dict[str, Any]) -> set[str]:
    """The names of a container's volumes."""
    return {mount["Name"] for mount in facts["Mounts"] if mount["Type"] == "volume"}


async def volumes() -> set[str]:
    """All volumes there are."""
    return set((await run("docker", "volume", "ls", "--quiet")).split())


@contextlib.asynccontextmanager
async def watch_scratch(project: ComposeProject) -> AsyncIterator[list[dict[str, Any]]]:
    """Looks at the project's scratch container while the block runs; what it saw."""
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        while not seen:
            with contextlib.suppress(CommandFailedError):
                seen.append(await inspect(await wait_for_scratch(project)))

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def facts_of(seen: list[dict[str, Any]]) -> dict[str, Any]:
    """What was seen of the one container."""
    assert seen
    return seen[0]
