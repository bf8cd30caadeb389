"""What the doctor sees of targets, beyond the mistakes of newcomers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import checks, targets
from bot.words import Sign
from tests.doctor.examining import findings, grandvps_target, told
from tests.parts.compose_project import ComposeProject, run

OBJECTS = """
    select count(*), max(oid::int8) from pg_class union all
    select count(*), max(oid::int8) from pg_roles union all
    select count(*), max(oid::int8) from pg_database
"""
"""How many things a server holds, and the newest of them."""


def state(directory: Path) -> list[tuple[str, float]]:
    """Every file of a directory and when it was changed."""
    return sorted((str(path), path.lstat().st_mtime) for path in directory.rglob("*"))


async def test_a_sound_project_is_well_and_left_as_it_is(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    before = state(grandvps.directory), await grandvps.psql(OBJECTS)
    document = {
        "targets": {"grandvps": grandvps_target(grandvps)},
        "checks": {
            "disk": {"kind": "disk", "path": "/"},
            "users": {"kind": "sql", "target": "grandvps", "query": "select count(*) from users"},
            "web": {"kind": "logs", "target": "grandvps", "service": "web", "pattern": "canary"},
        },
    }
    found = await findings(targets.examine, tmp_path, document)
    assert [each for each in told(found) if not each.startswith("✅")] == []
    assert [each.subject for each in found] == [
        *("Compose files", "Compose project", "Services", "Database"),
        *("Files media", "Files logs", "Files inside", "Maintenance", "Health", "Readings"),
    ]
    assert grandvps.canary not in str(found)
    after = state(grandvps.directory), await grandvps.psql(OBJECTS)
    assert after == before


@pytest.mark.parametrize("service", ["", "web"])
async def test_maintenance_that_is_on_is_well(
    grandvps: ComposeProject, tmp_path: Path, service: str
) -> None:
    file = grandvps.directory / "maintenance_mode.txt"
    target = grandvps_target(grandvps)
    if service:
        place = (await grandvps.exec(service, "readlink", "/proc/1/cwd")).strip()
        target["maintenance"] |= {"service": service, "file": f"{place}/maintenance_mode.txt"}
    file.touch()
    try:
        found = await findings(targets.examine, tmp_path, {"targets": {"grandvps": target}})
    finally:
        file.unlink()
    [maintenance] = [each for each in found if each.subject == "Maintenance"]
    assert maintenance.sign is Sign.DONE
    assert " answered 503 in " in maintenance.says


async def test_a_service_whose_health_check_fails(grandvps: ComposeProject, tmp_path: Path) -> None:
    health = ("--health-cmd=false", "--health-interval=100ms", "--health-retries=1")
    async with grandvps.service_by_hand("sick", *health, "opsbell-test/web:1") as name:
        while "unhealthy" not in await run("docker", "inspect", name):
            pass
        check = {"kind": "logs", "target": "grandvps", "service": "sick", "pattern": "ERROR"}
        document = {"targets": {"grandvps": grandvps_target(grandvps)}, "checks": {"sick": check}}
        found = await findings(targets.examine, tmp_path, document)
    troubles = [each for each in told(found) if not each.startswith("✅")]
    [trouble] = troubles
    assert trouble.startswith("⚠️ Service sick: It runs, but its own health check fails.")


async def test_row_security_keeps_a_dump_from_being_whole(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    await grandvps.psql(
        "create role reader login in role pg_read_all_data; create table notes (id int);"
        " alter table notes enable row level security"
    )
    try:
        target = grandvps_target(grandvps)
        target["database"]["user"] = "reader"
        found = await findings(targets.examine, tmp_path, {"targets": {"grandvps": target}})
    finally:
        await grandvps.psql("drop table notes; drop role reader")
    [database] = [each for each in told(found) if " Database: " in each]
    assert database == (
        "🔴 Database: reader may not read all tables: notes for one. Run as a superuser of "
        "PostgreSQL: ALTER ROLE reader BYPASSRLS;"
    )


def host(directory: Path, **more: Any) -> dict[str, Any]:
    """A configuration of one target of this machine."""
    return {"targets": {"shop": {"runtime": "host", "directory": str(directory), **more}}}


async def test_checks_without_their_database_are_not_tried(tmp_path: Path) -> None:
    check = {"kind": "sql", "target": "shop", "query": "select 1"}
    database = {"url": "postgresql://app@127.0.0.1:1/shop"}
    document = host(tmp_path, database=database) | {"checks": {"users": check}}
    found = await findings(targets.examine, tmp_path, document)
    assert told(found)[-1] == "⚫ users: The database of shop cannot be asked."
    assert [each.sign for each in found].count(Sign.CRITICAL) == 1


async def test_a_check_that_takes_long_is_given_up(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LIMIT", timedelta(seconds=1))
    check = {"kind": "sql", "target": "shop", "query": "select pg_sleep(60)", "timeout": "90s"}
    document = host(tmp_path, database={"url": database_url}) | {"checks": {"slow": check}}
    found = await findings(targets.examine, tmp_path, document)
    assert [each.sign for each in found if each.subject == "slow"] == [Sign.UNKNOWN]


async def test_what_is_known_of_one_target_stays_where_another_takes_too_long(
    tmp_path: Path,
) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        slow = host(tmp_path, database={"url": f"postgresql://app@127.0.0.1:{port}/shop"})
        quick = {"runtime": "host", "directory": str(tmp_path / "gone")}
        document = {"targets": {"slow": slow["targets"]["shop"], "quick": quick}}
        found = await findings(targets.examine, tmp_path, document, limit=timedelta(seconds=3))
        # The other end of a look that was given up is closed only when Python collects it.
        for writer in writers:
            writer.close()
            await writer.wait_closed()
    assert [(each.area, each.subject) for each in found] == [
        ("Target quick", "Directory"),
        ("Area", "Time limit"),
    ]


async def test_a_target_in_swarm_is_told_to_be_none_yet(tmp_path: Path) -> None:
    swarm = {"stack": "shop", "files": ["stack.yml"]}
    target = {"runtime": "swarm", "directory": str(tmp_path), "swarm": swarm}
    found = await findings(targets.examine, tmp_path, {"targets": {"shop": target}})
    [runtime] = told(found)
    assert runtime == (
        "🔴 Runtime: It runs in Docker Swarm, which Opsbell does not operate yet. Targets of "
        "runtime compose and host work."
    )


async def test_the_revision_of_a_repository_is_told(tmp_path: Path) -> None:
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com")
    await run(*git, "init", "--quiet")
    assert "⚠️ Revision: git knows no revision of it." in str(
        told(await findings(targets.examine, tmp_path, host(tmp_path)))
    )
    await run(*git, "commit", "--quiet", "--allow-empty", "--message", "first")
    revision = (await run(*git, "rev-parse", "--short", "HEAD")).strip()
    found = told(await findings(targets.examine, tmp_path, host(tmp_path)))
    assert f"✅ Revision: {revision}." in found
