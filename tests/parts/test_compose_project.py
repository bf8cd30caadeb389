"""The Compose project that other tests stand on is what it says it is."""

import sys

import httpx
import psycopg
import pytest

from tests.parts.compose_project import (
    DATABASE,
    ROWS,
    CommandFailedError,
    ComposeProject,
    project_label,
    remove_orphans,
    remove_project,
    run,
)
from tests.parts.owner import owner_tag


async def test_the_database_is_filled(grandvps: ComposeProject) -> None:
    counts = {table: int(await grandvps.psql(f"select count(*) from {table}")) for table in ROWS}
    assert counts == ROWS
    assert await grandvps.psql("select count(*) from pg_largeobject_metadata") == "1"
    assert await grandvps.psql("select nextval('invoice_numbers')") == "13001"
    recent = "status = 'failed' and created_at > now() - interval '1 day'"
    assert int(await grandvps.psql(f"select count(*) from payments where {recent}")) == 7


async def test_the_database_asks_for_its_password_from_outside_only(
    grandvps: ComposeProject,
) -> None:
    assert (await grandvps.psql("show server_version_num")).startswith("17")
    with psycopg.connect(grandvps.database_url) as connection:
        assert connection.execute("select current_user").fetchone() == ("grandvps_user",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(grandvps.database_url.replace(grandvps.canary, "wrong"))


async def test_tools_are_on_the_path(grandvps: ComposeProject, grandvps15: ComposeProject) -> None:
    for project, version in ((grandvps, "17."), (grandvps15, "15.")):
        for tool in ("pg_dump", "pg_dumpall", "pg_restore", "psql", "pg_isready"):
            assert f" {version}" in await project.exec("db", tool, "--version")


async def test_only_the_newer_dump_knows_zstd(
    grandvps: ComposeProject, grandvps15: ComposeProject
) -> None:
    dump = ("pg_dump", "-U", "grandvps_user", "-Fc", "-Z", "zstd", "-f", "/tmp/dump", DATABASE)
    await grandvps.exec("db", *dump)
    with pytest.raises(CommandFailedError, match='invalid value "zstd"'):
        await grandvps15.exec("db", *dump)


async def test_the_web_service_answers_logs_and_closes(grandvps: ComposeProject) -> None:
    async with httpx.AsyncClient(base_url=grandvps.web_url) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/fail")).status_code == 500
        marker = grandvps.directory / "maintenance_mode.txt"
        marker.touch()
        assert (await client.get("/")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        marker.unlink()
        assert (await client.get("/")).status_code == 200
    log = await grandvps.compose("logs", "--no-log-prefix", "web")
    assert "ERROR web: Internal Server Error: /fail" in log
    assert grandvps.canary in log


async def test_the_database_stops_cleanly(own_grandvps: ComposeProject) -> None:
    await own_grandvps.compose("stop", "db")
    state = await run(
        "docker", "inspect", "--format", "{{.State.ExitCode}}", own_grandvps.container("db")
    )
    assert state.strip() == "0"
    await own_grandvps.compose("up", "--detach", "--wait")
    assert await own_grandvps.psql("select count(*) from users") == str(ROWS["users"])


async def test_what_a_killed_run_left_is_removed_and_nothing_else(compose_ready: None) -> None:
    print_tag = "from tests.parts.owner import owner_tag; print(owner_tag())"
    dead = (await run(sys.executable, "-c", print_tag)).strip() + "-1"
    alive = f"{owner_tag()}-orphans"
    try:
        for project in (dead, alive):
            label = project_label(project)
            await run("docker", "volume", "create", "--label", label, project)
            await run("docker", "network", "create", "--label", label, project)
        remove_orphans()
        for kind in ("volume", "network"):
            names = (await run("docker", kind, "ls", "--format", "{{.Name}}")).split()
            assert alive in names
            assert dead not in names
    finally:
        remove_project(dead)
        remove_project(alive)
