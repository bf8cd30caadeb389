"""What stands in a deploy's way is said when it is planned, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.deploys import looking
from bot.errors import Failed, NotFound, OpsbellError, Refused, Unavailable, UsageError
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.deploys.bench import Bench, open_bench
from tests.deploys.conftest import Site, commit

pytestmark = pytest.mark.needs("git")


async def state_of(site: Site) -> tuple[str, ...]:
    """All of the work tree and its repository that a deploy could change."""
    return (
        await site.git("rev-parse", "HEAD"),
        await site.git("status", "--porcelain", "--branch"),
        await site.git("for-each-ref", "refs/heads", "refs/tags", "refs/remotes"),
        str((site.directory / ".git/FETCH_HEAD").exists()),
    )


@pytest.mark.parametrize(
    ("ref", "error", "said"),
    [
        ("v1.4.9", NotFound, "no branch, tag or commit v1.4.9 (did you mean v1.4."),
        ("mian", NotFound, "did you mean main?"),
        ("deadbeefdeadbeef", NotFound, "no branch, tag or commit"),
        ("--upload-pack=touch /tmp/x", UsageError, "is no branch"),
        ("-h", UsageError, "is no branch"),
        ("main..v1.4.0", UsageError, "is no branch"),
        ("main@{1}", UsageError, "is no branch"),
        ("HEAD^{/x}", UsageError, "is no branch"),
        ("refs/heads/main", NotFound, "no branch"),
    ],
)
async def test_a_ref_that_there_is_none_of(
    host: Bench, site: Site, ref: str, error: type[OpsbellError], said: str
) -> None:
    before = await state_of(site)
    with pytest.raises(error, match=r".") as caught:
        await host.plan(ref)
    assert said in str(caught.value)
    assert await state_of(site) == before


async def test_planning_changes_nothing_but_brings_objects(host: Bench, site: Site) -> None:
    before = await state_of(site)
    plan = await host.plan("v1.5.0")
    assert await state_of(site) == before
    told = "\n".join(plan.notes)
    assert "2 commits since" in told
    assert "Tickets have a priority (GrandVPS)" in told
    assert "1 migration to apply" in told
    assert "migrations/0003_ticket_priority.sql (new)" in told
    assert plan.facts["commit"] == await site.git("rev-parse", "v1.5.0^{commit}")


async def test_where_the_database_cannot_be_asked_the_plan_says_how_it_counted(
    settings: dict[str, Any], site: Site, database: Database, queue: Queue
) -> None:
    settings["targets"]["grandvps"]["database"] = {"url": f"{site.url}_elsewhere"}
    async with open_bench(settings, database, queue) as host:
        told = "\n".join((await host.plan("v1.5.0")).notes)
        running = await host.deploys.running("grandvps")
    assert "1 migration in them, counted by git alone: the database cannot be asked" in told
    assert "migrations/0003_ticket_priority.sql (new)" in told
    assert "the database cannot be asked" in running.migrations.why


async def test_a_database_without_djangos_table_counts_by_what_changes(
    host: Bench, site: Site
) -> None:
    """As one of another framework: not all its files at each deploy."""
    with psycopg.connect(site.url) as connection:
        connection.execute("drop table django_migrations")
    told = "\n".join((await host.plan("v1.4.1")).notes)
    why = "counted by git alone: the database has no table django_migrations"
    assert f"No migration in them, {why}" in told


async def test_a_file_changed_by_hand(host: Bench, site: Site) -> None:
    (site.directory / "grandvps/headline.py").write_text("HEADLINE = 'Fixed at night'\n")
    with pytest.raises(Refused, match=r"grandvps/headline\.py") as caught:
        await host.plan("v1.4.1")
    assert "git stash" in caught.value.hint
    assert "Fixed at night" in (site.directory / "grandvps/headline.py").read_text()


async def test_a_file_changed_by_hand_after_the_plan(host: Bench, site: Site) -> None:
    number = await host.request("v1.4.1")
    (site.directory / "grandvps/headline.py").write_text("HEADLINE = 'Fixed at night'\n")
    operation = await host.finish(number)
    assert operation.state is OperationState.FAILED
    assert "Nothing was run" in operation.error
    assert "Fixed at night" in (site.directory / "grandvps/headline.py").read_text()


async def test_gits_lock_is_named(host: Bench, site: Site) -> None:
    (site.directory / ".git/index.lock").touch()
    with pytest.raises(Refused, match="git is at work") as caught:
        await host.plan("v1.4.1")
    assert "index.lock" in caught.value.hint


async def test_an_ignored_file_is_not_overwritten(host: Bench, site: Site, tmp_path: Path) -> None:
    await commit(site.origin, tmp_path / "work", ".env.production")
    mine = (site.directory / ".env.production").read_text()
    with pytest.raises(Refused, match=r"\.env\.production would be overwritten"):
        await host.plan("work")
    assert (site.directory / ".env.production").read_text() == mine


async def test_a_history_that_goes_another_way_takes_force(
    host: Bench, site: Site, tmp_path: Path
) -> None:
    wanted = await commit(site.origin, tmp_path / "work", "hotfix.txt", onto="v1.4.0")
    await host.deploy("v1.4.1")
    with pytest.raises(Refused, match="does not build upon what runs") as caught:
        await host.plan("work")
    assert "Servers by the minute" in caught.value.message
    assert "--force" in caught.value.hint
    operation = await host.deploy("work", force=True)
    assert operation.state is OperationState.DONE, operation.error
    assert await site.git("rev-parse", "HEAD") == wanted
    assert await site.runs("1.4.0")


async def test_an_older_release_is_named_as_such(host: Bench, site: Site) -> None:
    await host.deploy("v1.4.1")
    with pytest.raises(Refused, match=r"v1\.4\.0 is older than what runs") as caught:
        await host.plan("v1.4.0")
    assert "/deploy rollback" in caught.value.hint


async def test_a_branch_that_moved_on_deploys_what_was_approved(
    host: Bench, site: Site, tmp_path: Path
) -> None:
    wanted = await commit(site.origin, tmp_path / "work", "one.txt", onto="v1.4.1")
    number = await host.request("work")
    await commit(site.origin, tmp_path / "more", "two.txt", onto=wanted)
    operation = await host.finish(number)
    assert operation.state is OperationState.DONE, operation.error
    assert await site.git("rev-parse", "HEAD") == wanted


async def test_a_branch_that_was_rewritten_is_not_deployed(
    host: Bench, site: Site, tmp_path: Path
) -> None:
    await commit(site.origin, tmp_path / "work", "one.txt", onto="v1.4.1")
    number = await host.request("work")
    await commit(site.origin, tmp_path / "more", "two.txt", onto="v1.4.0")
    operation = await host.finish(number)
    assert operation.state is OperationState.FAILED
    assert "work no longer names commit" in operation.error
    assert await site.runs("1.4.0")


async def test_another_deploy_in_between_is_noticed(host: Bench, site: Site) -> None:
    number = await host.request("v1.5.0")
    await host.deploy("v1.4.1")
    operation = await host.finish(number)
    assert operation.state is OperationState.FAILED
    assert "came out different" in operation.error
    assert await site.runs("1.4.1")


async def test_a_full_disk(host: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SPARE", 1 << 60)
    with pytest.raises(Failed, match=r"Nothing was changed: .* free"):
        await host.plan("v1.4.1")


async def test_a_remote_that_is_away(host: Bench, site: Site) -> None:
    site.origin.rename(site.origin.with_name("elsewhere.git"))
    with pytest.raises(Unavailable, match="Nothing can be fetched from origin"):
        await host.plan("v1.4.1")


async def test_hooks_and_credentials_stay_out_of_it(host: Bench, site: Site) -> None:
    hook = site.directory / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    operation = await host.deploy("v1.4.1")
    assert operation.state is OperationState.DONE, operation.error
    assert not (site.directory / "hooked").exists()
    await site.git("remote", "set-url", "origin", "http://bob:hunter2secret@127.0.0.1:9/x.git")
    with pytest.raises(Unavailable) as caught:
        await host.plan("v1.5.0")
    assert "hunter2secret" not in str(caught.value)


async def test_no_repository_at_all(host: Bench, site: Site) -> None:
    (site.directory / ".git").rename(site.directory / "was-git")
    with pytest.raises(Refused, match="is no git work tree"):
        await host.plan("v1.4.1")
