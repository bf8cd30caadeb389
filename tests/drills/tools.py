"""What drills leave behind, as Docker knows it."""

from bot.targets.scratch import LABEL
from tests.parts.compose_project import ComposeProject, run


async def scratch_containers(project: ComposeProject) -> list[str]:
    """The scratch containers of a project, running or not."""
    label = f"label={LABEL}={project.project}/grandvps"
    return (await run("docker", "ps", "--all", "--quiet", "--filter", label)).split()


async def volumes_of(container: str) -> list[str]:
    """The names of a container's volumes."""
    template = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}'
    return (await run("docker", "inspect", "--format", template, container)).split()


async def missing_volumes(names: list[str]) -> bool:
    """Whether none of these volumes is there any more."""
    there = (await run("docker", "volume", "ls", "--quiet")).split()
    return not {*names} & {*there}
