"""Opsbell in the demo before it starts: its database begins anew, today's lists are posted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.checklists import store
from bot.checklists.model import Run
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import Core, opened
from bot.demo.configuration import write_configuration
from bot.demo.house import begin_anew, server
from bot.demo.place import Place
from bot.demo.todays_lists import post_todays_lists
from schedules.checklists import scheduled_checklists
from schedules.clock import Clock

SUNDAY = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
HOURS = timedelta(hours=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("TZ", "UTC")
    found = Place(tmp_path)
    found.site.mkdir()
    write_configuration(found, "postgresql://nobody@127.0.0.1:1/nothing", 1)
    return found


@pytest.fixture
async def core(place: Place) -> AsyncIterator[Core]:
    settings = load(place.config, os.environ)
    async with server(place), opened(settings, SlackSecrets.for_terminal({})) as opened_core:
        yield opened_core


async def start(core: Core, now: datetime) -> None:
    """What a start of the demo does about lists, and then the clock of Opsbell at once."""
    await post_todays_lists(core, now)
    scheduled = scheduled_checklists(core.settings, core.checklists)
    clock = Clock(core.database, core.settings.timezone, scheduled, now=lambda: now)
    await clock.sweep_all()


async def runs(core: Core, name: str) -> list[Run]:
    async with core.database.transaction() as tx:
        return await store.latest(tx, name, 10)


async def said(core: Core) -> int:
    """How many messages stand or are to stand in the channels."""
    async with core.database.transaction() as tx:
        row = await tx.one("select count(*) as number from posts")
    return int(row["number"])


async def test_todays_list_is_posted_once_a_day_whenever_the_demo_starts(core: Core) -> None:
    for later in (0, 1, 5, 10):
        await start(core, SUNDAY + later * HOURS)
    [first] = await runs(core, "daily")
    assert not first.late
    assert (first.due_at, await runs(core, "weekly"), await said(core)) == (None, [], 1)
    await start(core, SUNDAY + 18 * HOURS)
    await start(core, SUNDAY + 19 * HOURS)
    assert len(await runs(core, "daily")) == 2


async def test_a_week_without_the_demo_is_passed_over_in_silence(core: Core) -> None:
    await start(core, SUNDAY)
    await start(core, SUNDAY + timedelta(days=10))
    assert (len(await runs(core, "daily")), await runs(core, "weekly")) == (2, [])
    assert await said(core) == 2
    await start(core, SUNDAY + timedelta(days=15))
    [weekly] = await runs(core, "weekly")
    assert not weekly.late


async def test_a_demo_that_runs_on_over_midnight_leaves_it_to_the_clock(core: Core) -> None:
    await start(core, SUNDAY)
    clock = Clock(
        core.database,
        core.settings.timezone,
        scheduled_checklists(core.settings, core.checklists),
        now=lambda: SUNDAY + 11 * HOURS,
    )
    await clock.sweep_all()
    [today, _] = await runs(core, "daily")
    assert today.due_at == SUNDAY + 11 * HOURS
    await post_todays_lists(core, SUNDAY + 12 * HOURS)
    assert len(await runs(core, "daily")) == 2


@pytest.mark.parametrize(("hour", "minutes"), [(0, 240), (13, 240), (21, 175), (23, 60)])
def test_what_is_due_today_is_due_before_midnight(
    place: Place, monkeypatch: pytest.MonkeyPatch, hour: int, minutes: int
) -> None:
    now = SUNDAY.replace(hour=hour)
    monkeypatch.setattr("bot.demo.configuration.utc_now", lambda: now)
    write_configuration(place, "postgresql://nobody@127.0.0.1:1/nothing", 1)
    settings = load(place.config, os.environ)
    assert settings.checklists["daily"].due == timedelta(minutes=minutes)


async def test_a_new_begin_happens_as_a_whole_or_not_at_all(place: Place) -> None:
    async with (
        server(place) as url,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as admin,
    ):
        await admin.execute("create table remembered ()")
        # As when the demo is killed between the two halves.
        await admin.execute("create schema guard")
        await admin.execute(
            "create function guard.refuse() returns event_trigger language plpgsql"
            " as $$ begin raise exception 'cut off'; end $$"
        )
        await admin.execute(
            "create event trigger cut on ddl_command_start when tag in ('CREATE SCHEMA')"
            " execute function guard.refuse()"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="cut off"):
            await begin_anew(url)
        await admin.execute("select from remembered")
        await admin.execute("drop event trigger cut")
        await begin_anew(url)
        with pytest.raises(psycopg.errors.UndefinedTable):
            await admin.execute("select from remembered")
        await admin.execute("create table anew ()")


def test_what_holds_a_password_is_nobody_elses_to_read(place: Place) -> None:
    write_configuration(place, "postgresql://nobody@127.0.0.1:1/nothing", 1)
    assert place.config.stat().st_mode & 0o777 == 0o600
    assert not list(place.directory.glob(".*.new"))
