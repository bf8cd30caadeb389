"""Modals: opened with a trigger, filled later, and no trouble when the person was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.errors import Unavailable
from bot.playground import LocalSlack
from bot.slack import blocks
from bot.slack.client import SlackAway, open_session, web_client
from bot.slack.limits import UnfitBlocks
from bot.slack.modals import SlackModals
from bot.slack.surface import Kind, Request

ALICE = "U0ALICE001"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(clock=clock) as opened:
        yield opened


@pytest.fixture
async def modals(slack: LocalSlack) -> AsyncIterator[SlackModals]:
    async with open_session() as session:
        yield SlackModals(web_client(session, slack.bot_token, slack.api_url))


def view(text: str) -> dict[str, Any]:
    return blocks.modal("sample", "Sample", [blocks.section(text)])


def request(slack: LocalSlack, *, view_id: str = "") -> Request:
    trigger = slack.backend.triggers.new(ALICE, view_id or None)
    return Request(Kind.COMMAND, "key", "backup", ALICE, view_id=view_id, trigger_id=trigger)


def text_of(shown: Any) -> str:
    return str(shown.blocks[0]["text"]["text"])


async def test_a_modal_opens_and_is_filled(slack: LocalSlack, modals: SlackModals) -> None:
    view_id = await modals.open(request(slack), view("loading"))
    shown = await slack.person(ALICE).wait_for_view()
    assert text_of(shown) == "loading"
    await modals.update(view_id, view("filled"))
    await modals.update(view_id, view("changed"))
    assert text_of(slack.backend.views.find(view_id)) == "changed"


async def test_a_second_modal_is_pushed_on_top(slack: LocalSlack, modals: SlackModals) -> None:
    below = await modals.open(request(slack), view("below"))
    above = await modals.open(request(slack, view_id=below), view("above"))
    assert above != below
    assert [call.method for call in slack.calls] == ["views.open", "views.push"]


async def test_a_late_fill_does_not_replace_what_is_newer(
    slack: LocalSlack, modals: SlackModals
) -> None:
    view_id = await modals.open(request(slack), view("loading"))
    async with open_session() as session:
        other_replica = SlackModals(web_client(session, slack.bot_token, slack.api_url))
        await other_replica.update(view_id, view("newer"))
    await modals.update(view_id, view("filled late"))
    assert text_of(slack.backend.views.find(view_id)) == "newer"
    await modals.update(view_id, view("newest"))
    assert text_of(slack.backend.views.find(view_id)) == "newest"


async def test_an_update_of_a_closed_modal_is_no_error(
    slack: LocalSlack, modals: SlackModals
) -> None:
    view_id = await modals.open(request(slack), view("loading"))
    alice = slack.person(ALICE)
    await alice.close(await alice.wait_for_view())
    await modals.update(view_id, view("filled"))
    assert slack.calls[-1].error == "not_found"


async def test_an_expired_trigger_says_what_to_do(
    slack: LocalSlack, modals: SlackModals, clock: Clock
) -> None:
    late = request(slack)
    clock.now += 4
    with pytest.raises(Unavailable, match="Do it again") as caught:
        await modals.open(late, view("too late"))
    assert not caught.value.retryable


async def test_slack_away_is_told_as_such(slack: LocalSlack, modals: SlackModals) -> None:
    asked = request(slack)
    slack.faults.server_error("views.open", times=None)
    with pytest.raises(SlackAway):
        async with asyncio.timeout(20):
            await modals.open(asked, view("nothing"))


async def test_an_unfit_modal_never_leaves(slack: LocalSlack, modals: SlackModals) -> None:
    twice = blocks.modal("sample", "Sample", [blocks.section("a", block_id="x")] * 2)
    with pytest.raises(UnfitBlocks, match="share the block_id"):
        await modals.open(request(slack), twice)
    assert slack.calls == []


async def test_a_modal_too_long_is_cut(slack: LocalSlack, modals: SlackModals) -> None:
    name = "A title that says much more than a modal's frame can hold"
    wide = blocks.modal("sample", name, [blocks.section("word " * 1000)])
    await modals.open(request(slack), wide)
    shown = await slack.person(ALICE).wait_for_view()
    assert text_of(shown).endswith("… cut")
