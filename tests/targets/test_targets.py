"""Targets by name, their databases, tools and secrets."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config import Settings
from bot.config import targets as configured
from bot.errors import NotFound, Refused, Unavailable
from bot.targets.environment import for_children, from_database_url
from bot.targets.postgres_tools import Tools, choose, find_tools
from bot.targets.redaction import LiveRedactor
from bot.targets.targets import Targets
from bot.targets.waiting import to_the_end
from tests.parts.compose_project import ComposeProject, run
from tests.targets.places import compose_settings, host_settings, opened

SOON = timedelta(seconds=20)


async def test_targets_by_name(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "targets": {
                "shop": host_settings(tmp_path),
                "stack": {
                    "runtime": "swarm",
                    "directory": str(tmp_path),
                    "swarm": {"stack": "shop", "files": ["stack.yml"], "env_file": ".env"},
                },
            }
        }
    )
    (tmp_path / ".env").write_text("API_TOKEN=swarm-canary\n")
    async with Targets(settings) as targets:
        assert targets.names() == ("shop", "stack")
        assert targets.get("shop").name == "shop"
        with pytest.raises(Refused, match="stack runs in Docker Swarm"):
            targets.get("stack")
        with pytest.raises(NotFound, match=r"no target called shops\. There are shop, stack\."):
            targets.get("shops")
        assert "swarm-canary" not in targets.redactor().redact("it is swarm-canary")


async def test_opening_needs_nothing_to_be_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    database = {"url": "postgresql://nobody@127.0.0.1:1/none"}
    async with opened(host_settings(tmp_path, database=database)) as host:
        # Which server it will be is not known, so the newest tools are taken.
        done = await host.run([host.tool("pg_dump"), "--version"], timeout=SOON)
        assert "(PostgreSQL) 18" in done.stdout


async def test_a_host_database_is_reached_with_its_tools(database_url: str, tmp_path: Path) -> None:
    async with opened(host_settings(tmp_path, database={"url": database_url})) as host:
        place = host.database()
        assert place.service is None
        done = await host.run(
            [host.tool("psql"), "-XAt", "-c", "select current_database()"],
            environment=place.environment,
            timeout=SOON,
        )
        assert done.stdout.strip() == place.name
        done = await host.run(
            [host.tool("pg_dump"), "--schema-only"],
            environment=place.environment,
            timeout=SOON,
        )
        assert "PostgreSQL database dump complete" in done.stdout
        with pytest.raises(NotFound, match="PostgreSQL's pg_nothing is not installed"):
            host.tool("pg_nothing")


async def test_a_compose_database_is_in_its_container(grandvps: ComposeProject) -> None:
    settings = compose_settings(grandvps)
    settings["database"]["password"] = "canary-password"
    async with opened(settings) as target:
        place = target.database()
        assert (place.service, place.name) == ("db", grandvps.database)
        assert place.environment["PGPASSWORD"] == "canary-password"
        assert target.redact("it is canary-password") == "it is ***"
        done = await target.run(
            [target.tool("psql"), "-XAt", "-c", "select current_user"],
            service=place.service,
            environment=place.environment,
            timeout=SOON,
        )
        assert done.stdout == f"{grandvps.user}\n"


async def test_a_target_without_a_database_says_so(tmp_path: Path) -> None:
    async with opened(host_settings(tmp_path)) as host:
        with pytest.raises(NotFound, match=r"no database\. Add targets\.grandvps\.database\."):
            host.database()
        assert host.directory() == tmp_path


def test_the_tools_are_never_older_than_the_server() -> None:
    path, old, new = (Tools(Path(f"/{major}"), major) for major in (15, 16, 18))
    assert choose([path, old, new], 14) is path
    assert choose([path, old, new], 15) is path
    assert choose([path, old, new], 16) is old
    assert choose([path, old, new], 17) is new
    assert choose([path, old, new], 19) is new
    assert choose([path, old, new], None) is new
    assert choose([old, new], 15) is old


async def test_tools_on_the_path_come_first(database_url: str, tmp_path: Path) -> None:
    fake = tmp_path / "pg_dump"
    environment = {"PATH": str(tmp_path)}
    for version, directory in (("99.1 (Debian 99.1-1)", tmp_path), ("9.6.2", None)):
        fake.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        fake.chmod(0o700)
        tools = await find_tools(database_url, environment)
        assert (tools.directory == tmp_path) is (directory is not None)
    fake.write_text("#!/bin/sh\nexit 1\n")
    assert (await find_tools(database_url, environment)).directory != tmp_path


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        (
            "postgresql://alice:p%40ss%2Fword@db.example:5433/shop?sslmode=require&connect_timeout=5",
            {
                "PGUSER": "alice",
                "PGPASSWORD": "p@ss/word",
                "PGHOST": "db.example",
                "PGPORT": "5433",
                "PGDATABASE": "shop",
                "PGSSLMODE": "require",
                "PGCONNECT_TIMEOUT": "5",
            },
        ),
        (
            "postgresql:///shop?host=/run/postgresql&keepalives_idle=30",
            {"PGHOST": "/run/postgresql", "PGDATABASE": "shop"},
        ),
    ],
)
def test_a_database_url_becomes_variables(url: str, environment: dict[str, str]) -> None:
    assert from_database_url(url) == environment


def test_a_url_that_is_none_is_not_shown() -> None:
    with pytest.raises(ValueError, match="not a connection URL") as caught:
        from_database_url("postgresql://alice:canary@[broken")
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_children_see_only_what_is_known_to_be_harmless() -> None:
    own = {"PATH": "/bin", "LC_ALL": "C", "SLACK_BOT_TOKEN": "x", "OPSBELL_KEY": "x", "PGHOST": "x"}
    assert for_children(own) == {"PATH": "/bin", "LC_ALL": "C"}


def test_secrets_of_environment_files(tmp_path: Path) -> None:
    (tmp_path / ".env.production").write_text(
        "SECRET_KEY='one canary'\nexport DATABASE_URL=postgresql://u:two-canary@db/x\nDEBUG=false\n"
    )
    (tmp_path / "docker-compose.yml").write_text("password: not an environment file\n")
    settings = configured.HostTarget.model_validate(
        {
            "runtime": "host",
            "directory": str(tmp_path),
            "config": [".env.production", "docker-compose.yml", "gone.env"],
        }
    )
    redacted = LiveRedactor({"shop": settings}, []).redact("one canary, two-canary, false")
    assert "canary" not in redacted
    assert "false" in redacted


@pytest.mark.parametrize("files", [[], ["deploy/compose.yaml"]])
def test_secrets_of_the_environment_file_that_compose_finds_by_itself(
    tmp_path: Path, files: list[str]
) -> None:
    settings = configured.ComposeTarget.model_validate(
        {
            "runtime": "compose",
            "directory": str(tmp_path),
            "compose": {"project": "shop", "files": files},
        }
    )
    redactor = LiveRedactor({"shop": settings}, [])
    assert redactor.redact("before-canary", whose="shop") == "before-canary"
    (tmp_path / ".env").write_text("SECRET_KEY=one-canary\n")
    if files:
        (tmp_path / "deploy").mkdir()
        (tmp_path / "deploy/.env").write_text("DB_PASSWORD=two-canary\n")
    said = redactor.redact("one-canary" + ", two-canary" * len(files), whose="shop")
    assert "canary" not in said


def test_a_directory_that_is_called_like_an_environment_file_keeps_nothing_secret(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").mkdir()
    settings = configured.ComposeTarget.model_validate(
        {"runtime": "compose", "directory": str(tmp_path), "compose": {"project": "shop"}}
    )
    assert LiveRedactor({"shop": settings}, []).redact("anything", whose="shop") == "anything"


def test_an_environment_file_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    settings = configured.HostTarget.model_validate(
        {"runtime": "host", "directory": str(tmp_path), "config": [".env"]}
    )
    with pytest.raises(Unavailable, match=r"environment file .* cannot be read: Is a directory"):
        LiveRedactor({"shop": settings}, []).redact("anything", whose="shop")


async def test_one_service_of_several_containers(
    own_grandvps: ComposeProject,
) -> None:
    await own_grandvps.compose("up", "--detach", "--wait", "--scale", "web=2")
    async with opened(compose_settings(own_grandvps)) as target:
        first = (await target.run(["hostname"], service="web", timeout=SOON)).stdout.strip()
        assert (await container_id(own_grandvps, 1)).startswith(first)
        await run("docker", "stop", "-t", "0", f"{own_grandvps.project}-web-1")
        second = (await target.run(["hostname"], service="web", timeout=SOON)).stdout.strip()
        assert (await container_id(own_grandvps, 2)).startswith(second)
        # What both of them wrote is one log, in the order of its times.
        log = [line async for line in target.logs("web", datetime(2020, 1, 1, tzinfo=UTC))]
        assert len([line for line in log if "starting, release" in line.text]) == 2
        assert [line.at for line in log] == sorted(line.at for line in log)
        # A container of `docker compose run` is none of the service's.
        await run("docker", "stop", "-t", "0", f"{own_grandvps.project}-web-2")
        await own_grandvps.compose("run", "--detach", "--no-deps", "web", "sleep", "60")
        with pytest.raises(NotFound, match=r"web of grandvps does not run \(exited\)"):
            await target.run(["true"], service="web", timeout=SOON)


async def container_id(project: ComposeProject, number: int) -> str:
    name = f"{project.project}-web-{number}"
    return (await run("docker", "inspect", "--format", "{{.Id}}", name)).strip()


async def test_work_reaches_its_end_although_its_caller_is_cancelled() -> None:
    done = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> str:
        begun.set()
        await asyncio.sleep(0.05)
        done.set()
        return "result"

    assert await to_the_end(work()) == "result"
    done.clear()
    begun.clear()
    task = asyncio.create_task(to_the_end(work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()
