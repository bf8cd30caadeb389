"""A newcomer's mistakes in what is said of a Compose project, and the line that answers each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import yaml

from tests.mistakes.projects import ProjectBench
from tests.mistakes.table import Mistake, Scene, prove
from tests.parts.compose_project import run


@asynccontextmanager
async def misspelt_project(bench: ProjectBench) -> AsyncIterator[Scene]:
    wrong = bench.compose(project=f"{bench.project.project}x")
    other = str(bench.directory)
    (bench.directory / "compose.yaml").write_text("services: {db: {image: postgres}}\n")
    (bench.directory / ".env.production").touch()
    yield bench.scene(bench.target(compose=wrong, directory=other))


@asynccontextmanager
async def project_by_its_directory(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(compose=bench.compose(project="shop")))


@asynccontextmanager
async def project_not_started(bench: ProjectBench) -> AsyncIterator[Scene]:
    (bench.directory / "compose.yaml").write_text("services: {db: {image: postgres}}\n")
    target = bench.target(compose={"project": "shop"}, directory=str(bench.directory))
    yield bench.scene(target, places={"own": bench.directory})


@asynccontextmanager
async def directory_missing(bench: ProjectBench) -> AsyncIterator[Scene]:
    there = bench.directory / "grandvsp"
    yield bench.scene(bench.target(directory=str(there)), places={"there": there})


@asynccontextmanager
async def no_compose_file(bench: ProjectBench) -> AsyncIterator[Scene]:
    target = bench.target(
        compose={"project": bench.project.project}, directory=str(bench.directory), database=None
    )
    yield bench.scene(target, places={"own": bench.directory})


@asynccontextmanager
async def compose_file_misnamed(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(compose=bench.compose(files=["docker-compose.prod.yml"])))


@asynccontextmanager
async def compose_file_broken(bench: ProjectBench) -> AsyncIterator[Scene]:
    (bench.directory / "compose.yaml").write_text("services:\n\tdb: {image: postgres}\n")
    compose = {"project": bench.project.project, "files": [f"{bench.directory}/compose.yaml"]}
    yield bench.scene(bench.target(compose=compose), places={"own": bench.directory})


def password_of(password: str) -> Callable[[ProjectBench], AbstractAsyncContextManager[Scene]]:
    """The password stands in the Compose file as it is."""

    @asynccontextmanager
    async def produce(bench: ProjectBench) -> AsyncIterator[Scene]:
        database = {"image": "postgres", "environment": {"POSTGRES_PASSWORD": password}}
        text = yaml.safe_dump({"services": {"db": database}})
        (bench.directory / "compose.yaml").write_text(text)
        compose = {"project": bench.project.project, "files": [f"{bench.directory}/compose.yaml"]}
        yield bench.scene(bench.target(compose=compose))

    return produce


@asynccontextmanager
async def environment_file_missing(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(compose=bench.compose(env_file=".env.prod")))


@asynccontextmanager
async def environment_file_not_named(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(compose={"project": bench.project.project}))


@asynccontextmanager
async def misspelt_service(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(bench.target(database=bench.base(service="dbs")))


@asynccontextmanager
async def misspelt_service_for_a_backup(bench: ProjectBench) -> AsyncIterator[Scene]:
    yield bench.scene(
        bench.target(database=bench.base(service="dbs")),
        command=("backup", "now"),
        backups={"grandvps": {"include": ["database"], "store": {"directory": "backups"}}},
    )


@asynccontextmanager
async def misspelt_service_of_a_check(bench: ProjectBench) -> AsyncIterator[Scene]:
    check = {"kind": "logs", "target": "grandvps", "service": "app", "pattern": "ERROR"}
    yield bench.scene(checks={"app-logs": check})


@asynccontextmanager
async def database_stopped(bench: ProjectBench) -> AsyncIterator[Scene]:
    """With all that stands on it: the one line is that of the service."""
    await bench.project.compose("stop", "db")
    check = {"kind": "sql", "target": "grandvps", "query": "select count(*) from users"}
    try:
        yield bench.scene(
            checks={"users": check},
            backups={"grandvps": {"include": ["database"], "store": {"directory": "backups"}}},
        )
    finally:
        await bench.project.compose("up", "--detach", "--wait", "db")


@asynccontextmanager
async def service_that_failed(bench: ProjectBench) -> AsyncIterator[Scene]:
    """A service of the project, by Compose's own labels, that ended by itself."""
    async with bench.project.service_by_hand("worker", "opsbell-test/web:1", "false") as name:
        await run("docker", "wait", name)
        check = {"kind": "logs", "target": "grandvps", "service": "worker", "pattern": "ERROR"}
        yield bench.scene(checks={"worker-logs": check})


MISTAKES = (
    Mistake(
        "a project's name with a typo",
        misspelt_project,
        "Compose project: Docker has no project {project}x (did you mean {project}?). Correct "
        "targets.grandvps.compose.project.",
    ),
    Mistake(
        "another name than the project of the directory has",
        project_by_its_directory,
        "Compose project: Docker has no project shop; {project} runs from {directory}. Correct "
        "targets.grandvps.compose.project.",
    ),
    Mistake(
        "a project that is not started",
        project_not_started,
        "Compose project: The project shop is not started. Run in {own}: docker compose "
        "--project-name shop up -d",
    ),
    Mistake(
        "a directory that is not there",
        directory_missing,
        "Directory: {there} does not exist. Correct targets.grandvps.directory.",
    ),
    Mistake(
        "a directory without a Compose file",
        no_compose_file,
        "Compose files: There is no compose.yaml or docker-compose.yml in {own}. Correct "
        "targets.grandvps.directory, or name them as compose.files there.",
    ),
    Mistake(
        "a Compose file's name with a typo",
        compose_file_misnamed,
        "Compose files: {directory}/docker-compose.prod.yml is not there. Correct "
        "targets.grandvps.compose.files.",
    ),
    Mistake(
        "a tab in the Compose file",
        compose_file_broken,
        "Compose files: Docker Compose refuses them: yaml: line 2: found character that cannot "
        "start any token. To see it, run in {directory}: docker compose --project-name {project} "
        "--file {own}/compose.yaml config --quiet",
    ),
    Mistake(
        "a ${ in a password",
        password_of("s3cr3t${hunter"),
        "Compose files: Docker Compose refuses them: invalid interpolation format for "
        "services.db.environment.POSTGRES_PASSWORD. Write $$ for a $ in it.",
        hidden=("s3cr3t", "hunter"),
    ),
    Mistake(
        "a $ in a password",
        password_of("s3cr3t$hunter2"),
        "Compose files: Line 4 of compose.yaml has a $ that begins no variable with a value. If "
        "it is part of a password, write $$; else set the variable in "
        "targets.grandvps.compose.env_file.",
        status=0,
        sign="⚠️ warning",
        hidden=("s3cr3t", "hunter"),
    ),
    Mistake(
        "an environment file that is not there",
        environment_file_missing,
        "Environment file: {directory}/.env.prod is not there. Correct "
        "targets.grandvps.compose.env_file.",
    ),
    Mistake(
        "an environment file that is not named",
        environment_file_not_named,
        "Compose files: They use POSTGRES_IMAGE and POSTGRES_PASSWORD without a value. Name the "
        "file that sets them as targets.grandvps.compose.env_file.",
    ),
    Mistake(
        "a service's name with a typo",
        misspelt_service,
        "Service dbs: {project} has no such container (did you mean db?). Correct "
        "targets.grandvps.database.service (there are db and web), or start it.",
    ),
    Mistake(
        "a service's name with a typo, for a backup",
        misspelt_service_for_a_backup,
        "grandvps has no service called dbs. It has db and web.",
    ),
    Mistake(
        "a check of a service that is not there",
        misspelt_service_of_a_check,
        "Service app: {project} has no such container. Correct checks.app-logs.service (there are "
        "db and web), or start it.",
    ),
    Mistake(
        "a database that is stopped",
        database_stopped,
        "Service db: It does not run: it ended with exit status 0. Run in {directory}: docker "
        "compose --project-name {project} --env-file {directory}/.env.production up -d db",
    ),
    Mistake(
        "a service that ended by itself",
        service_that_failed,
        "Service worker: It does not run: it ended with exit status 1. Run in {directory}: docker "
        "compose --project-name {project} --env-file {directory}/.env.production up -d worker",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_the_answer_to_a_mistake(
    mistake: Mistake[ProjectBench], project_bench: ProjectBench
) -> None:
    await prove(mistake, project_bench)
