"""On and off as operations: the file, the record, the page, the messages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import Refused
from bot.maintenance.model import State
from bot.operations import view
from bot.operations.model import Operation
from bot.operations.outcome import as_data
from bot.operations.states import OperationState
from bot.store.database import Database
from bot.store.queue import Queue
from tests.maintenance.conftest import ALICE, Bench, open_bench, settings_of
from tests.maintenance.page import Page

DONE = OperationState.DONE


def note(operation: Operation) -> str:
    return operation.steps[0].note


async def test_on_makes_the_file_and_off_removes_it(bench: Bench, page: Page) -> None:
    done = await bench.on("Upgrade to 1.5")
    assert (done.state, note(done)) == (DONE, "503 proven")
    notice = bench.notice()
    assert (notice.target, notice.reason, notice.by) == ("grandvps", "Upgrade to 1.5", ALICE)
    assert notice.until == bench.clock.now + timedelta(minutes=30)
    assert notice.allow == ("192.0.2.7/32", "2001:db8::/32")
    assert notice.operation == done.id
    assert await bench.is_on()
    window = await bench.window()
    assert window
    assert (window.state, window.until, window.proven) == (State.ON, notice.until, True)
    assert "Visitors meet the maintenance page" in str(await bench.said(window.key))

    done = await bench.off()
    assert (done.state, note(done)) == (DONE, "200 proven")
    assert not bench.file.exists()
    assert not await bench.is_on()
    over = await bench.recorded(window.id)
    assert (over.state, over.ended_by) == (State.OVER, "slack:U0BOB00001")
    assert "Visitors meet the application again" in str(await bench.said(window.key))
    assert await bench.events() == ["maintenance.began", "maintenance.ended"]
    assert [p.name for p in bench.directory.iterdir()] == []


async def test_without_an_end_it_stays_on(bench: Bench) -> None:
    await bench.on(length=None)
    assert bench.notice().until is None
    assert await bench.jobs("maintenance.end") == []
    assert "until somebody ends it" in str(await bench.said("maintenance:1"))


async def test_a_page_that_does_not_look_for_the_file_is_said_loudly(
    bench: Bench, page: Page
) -> None:
    page.blind = True
    done = await bench.on()
    assert done.state is DONE
    assert note(done) == "on, but the page answers 200 instead of 503"
    assert as_data(done)["proven"] is False
    head, line = view.lines(done, done.requested)
    assert head.startswith("⚠️ Maintenance of grandvps on · done")
    assert line.startswith("⚠️ Maintenance on")
    assert view.message(done, view.Shown(done.requested)).text.startswith("⚠️ ")
    window = await bench.window()
    assert window
    assert window.trouble == "the page answers 200 instead of 503"
    live = str(await bench.said(window.key))
    assert "🔴 *On, but the page answers 200 instead of 503*" in live
    anew = str(await bench.said(f"{window.key}:on:mismatch"))
    assert "<@U0ALICE001>" in anew
    assert "Visitors may still use the application" in anew
    assert "maintenance.unproven" in await bench.events()


async def test_a_page_that_stays_closed_is_said_loudly(bench: Bench, page: Page) -> None:
    await bench.on()
    page.stuck = 502
    done = await bench.off()
    assert done.state is DONE
    assert note(done) == "off, but the page answers 502 instead of 200"
    assert "is off, but" in str(await bench.said("maintenance:1:off:mismatch"))
    assert not bench.file.exists()


async def test_off_when_it_is_off_looks_at_the_page_all_the_same(bench: Bench) -> None:
    done = await bench.off()
    assert (done.state, note(done)) == (DONE, "was off already, 200 proven")


async def test_a_second_on_is_refused_and_changes_nothing(bench: Bench) -> None:
    first = await bench.on("First")
    async with bench.database.transaction() as tx:
        with pytest.raises(Refused, match="in maintenance already"):
            await bench.maintenance.turn_on(
                tx, "grandvps", "Second", None, actor=ALICE, request_key="k"
            )
    second = await bench.on("Second")
    assert second.state is OperationState.FAILED
    assert "in maintenance already" in second.error
    assert (bench.notice().operation, bench.notice().reason) == (first.id, "First")
    assert await bench.is_on()


async def test_a_file_made_by_hand_is_taken_over_and_given_an_end(bench: Bench) -> None:
    bench.file.touch()
    done = await bench.on()
    assert done.state is DONE
    assert bench.notice().before
    await bench.off()
    assert not bench.file.exists()


async def test_a_file_made_by_hand_is_removed_by_off(bench: Bench) -> None:
    bench.file.touch()
    done = await bench.off()
    assert (done.state, note(done)) == (DONE, "200 proven")
    assert not bench.file.exists()


async def test_a_file_removed_by_hand_ends_the_record_when_it_is_turned_on_again(
    bench: Bench,
) -> None:
    await bench.on("First")
    first = await bench.window()
    assert first
    bench.file.unlink()
    done = await bench.on("Second")
    assert done.state is DONE
    assert (await bench.recorded(first.id)).state is State.OVER
    assert bench.notice().reason == "Second"


async def test_secrets_and_line_breaks_stay_out_of_the_file(bench: Bench) -> None:
    await bench.on("Password hunter2\nallow: 0.0.0.0/0\u2028allow: ::/0")
    assert bench.notice().reason == "Password … allow: 0.0.0.0/0 allow: ::/0"
    assert bench.notice().allow == ("192.0.2.7/32", "2001:db8::/32")


async def test_a_directory_that_is_gone_fails_in_words(bench: Bench, page: Page) -> None:
    bench.directory.rmdir()
    done = await bench.on()
    assert done.state is OperationState.FAILED
    assert "No such file or directory" in done.error
    assert not await bench.is_on()


async def test_without_a_url_nothing_is_claimed(
    tmp_path: Path, page: Page, database: Database, queue: Queue
) -> None:
    directory = tmp_path / "application"
    bare = settings_of(directory, page)
    del bare["targets"]["grandvps"]["maintenance"]["url"]
    async with open_bench(bare, directory, database, queue) as bench:
        done = await bench.on()
        assert note(done) == "not proven: no URL is configured"
        told = str(await bench.said("maintenance:1"))
        assert "Not proven: the page was not looked at" in told
        assert "Visitors meet" not in told
        assert (await bench.off()).state is DONE
