"""The limits of views, of their stack, and what a view may not hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import (
    JSON,
    Clock,
    actions,
    button,
    error_of,
    modal,
    plain,
    refusal,
    section,
    text_input,
)

ALICE = "U0ALICE001"
TWICE = 'The `action_id` "a" already exists for another interactive component.'


def x(n: int) -> str:
    return "x" * n


def home(*blocks: JSON, **more: object) -> JSON:
    return {"type": "home", "blocks": list(blocks), **more}


MODALS: list[tuple[str, int, Callable[[int], JSON]]] = [
    ("title", 24, lambda n: modal(section(), title=plain(x(n)))),
    ("submit", 24, lambda n: modal(section(), submit=plain(x(n)))),
    ("close", 24, lambda n: modal(section(), close=plain(x(n)))),
    ("private_metadata", 3000, lambda n: modal(section(), private_metadata=x(n))),
    ("callback_id", 255, lambda n: modal(section(), callback_id=x(n))),
    ("external_id", 255, lambda n: modal(section(), external_id=x(n))),
    ("blocks", 100, lambda n: modal(*[{"type": "divider"}] * n)),
]


@pytest.mark.parametrize(("name", "limit", "make"), MODALS, ids=[row[0] for row in MODALS])
async def test_a_modal_takes_n_and_refuses_one_more(
    slack: LocalSlack,
    client: AsyncWebClient,
    name: str,
    limit: int,
    make: Callable[[int], JSON],
) -> None:
    trigger = slack.backend.triggers.new(ALICE)
    body = await refusal(client.views_open(trigger_id=trigger, view=make(limit + 1)))
    assert body["error"] == "invalid_arguments"
    assert f"[json-pointer:/view/{name}" in body["response_metadata"]["messages"][0]
    # The refused view has not used the trigger up.
    await client.views_open(trigger_id=trigger, view=make(limit))


async def test_slacks_own_words(client: AsyncWebClient) -> None:
    long = modal(section(), private_metadata=x(3001), title=plain(x(25)))
    body = await refusal(client.views_open(trigger_id="1.2.3", view=long))
    assert set(body["response_metadata"]["messages"]) == {
        "[ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]",
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
    }


async def test_a_home_takes_100_blocks(client: AsyncWebClient) -> None:
    async def publish(n: int) -> object:
        return await client.views_publish(user_id=ALICE, view=home(*[section()] * n))

    await publish(100)
    assert await error_of(publish(101)) == "invalid_arguments"


async def test_a_view_is_at_most_250_kb() -> None:
    def bytes_of(view: JSON) -> int:
        return len(json.dumps(view, ensure_ascii=False).encode())

    def exact(size: int) -> JSON:
        view = modal(*[section(x(2900)) for _ in range(84)])
        view["blocks"].append(section(""))
        view["blocks"][-1] = section(x(size - bytes_of(view)))
        assert bytes_of(view) == size
        return view

    async with LocalSlack(rate_limits=False, clock=Clock()) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        trigger = slack.backend.triggers.new(ALICE)
        call = client.views_open(trigger_id=trigger, view=exact(250_001))
        assert await error_of(call) == "view_too_large"
        await client.views_open(trigger_id=trigger, view=exact(250_000))


async def test_three_modals_may_be_stacked(slack: LocalSlack, client: AsyncWebClient) -> None:
    opened = await client.views_open(
        trigger_id=slack.backend.triggers.new(ALICE), view=modal(section())
    )
    first = opened["view"]["id"]
    for _ in range(2):
        trigger = slack.backend.triggers.new(ALICE, first)
        pushed = await client.views_push(trigger_id=trigger, view=modal(section()))
        assert pushed["view"]["root_view_id"] == first
    for method in (client.views_push, client.views_open):
        trigger = slack.backend.triggers.new(ALICE, first)
        call = method(trigger_id=trigger, view=modal(section()))
        assert await error_of(call) == "push_limit_reached"


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (
            {key: value for key, value in modal(text_input("b")).items() if key != "submit"},
            "must define `submit` to use an `input` block in modals [json-pointer:/view]",
        ),
        (
            modal({"type": "sectoin"}),
            "unsupported type: sectoin [json-pointer:/view/blocks/0/type]",
        ),
        (
            modal({"type": "markdown", "text": "m"}),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (modal(), "no fewer than 1 items allowed [json-pointer:/view/blocks]"),
        (
            home(section(), submit=plain("S")),
            "invalid additional property: submit [json-pointer:/view]",
        ),
        (
            modal(section(block_id="twice"), section(block_id="twice")),
            "block_id already exists: twice [json-pointer:/view/blocks/1/block_id]",
        ),
        (
            modal(actions(button(action_id="a"), button(action_id="a"))),
            TWICE + " [json-pointer:/view/blocks/0/elements]",
        ),
    ],
)
async def test_what_a_view_may_not_hold(client: AsyncWebClient, view: JSON, message: str) -> None:
    body = await refusal(client.views_open(trigger_id="1.2.3", view=view))
    assert body["response_metadata"]["messages"] == [f"[ERROR] {message}"]


async def test_hash_and_external_id(slack: LocalSlack, client: AsyncWebClient) -> None:
    trigger = slack.backend.triggers.new(ALICE)
    view = modal(section(), external_id="one")
    opened = (await client.views_open(trigger_id=trigger, view=view))["view"]
    updated = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=view)
    assert updated["view"]["hash"] != opened["hash"]
    stale = client.views_update(view_id=opened["id"], hash=opened["hash"], view=view)
    assert await error_of(stale) == "hash_conflict"
    await client.views_update(external_id="one", view=view)
    again = client.views_open(trigger_id=slack.backend.triggers.new("U0BOB00001"), view=view)
    assert await error_of(again) == "duplicate_external_id"
    assert await error_of(client.views_update(view_id="V0", view=view)) == "not_found"


async def test_a_home_is_published_and_kept(slack: LocalSlack, client: AsyncWebClient) -> None:
    first = (await client.views_publish(user_id=ALICE, view=home(section("One"))))["view"]
    await client.views_publish(user_id=ALICE, view=home(section("Two")), hash=first["hash"])
    shown = slack.person(ALICE).home
    assert shown is not None
    assert shown.blocks[0]["text"]["text"] == "Two"
    stale = client.views_publish(user_id=ALICE, view=home(), hash=first["hash"])
    assert await error_of(stale) == "hash_conflict"
    assert await error_of(client.views_publish(user_id="U0", view=home())) == "user_not_found"


async def test_a_trigger_lives_three_seconds_and_once() -> None:
    clock = Clock()
    async with LocalSlack(rate_limits=False, clock=clock) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        trigger = slack.backend.triggers.new(ALICE)
        clock.advance(3.0)
        await client.views_open(trigger_id=trigger, view=modal(section()))
        again = client.views_open(trigger_id=trigger, view=modal(section()))
        assert await error_of(again) == "exchanged_trigger_id"
        late = slack.backend.triggers.new(ALICE)
        clock.advance(3.001)
        call = client.views_open(trigger_id=late, view=modal(section()))
        assert await error_of(call) == "expired_trigger_id"
        call = client.views_open(trigger_id="1.2.abc", view=modal(section()))
        assert await error_of(call) == "invalid_trigger_id"
        outside = client.views_push(
            trigger_id=slack.backend.triggers.new(ALICE), view=modal(section())
        )
        assert await error_of(outside) == "invalid_trigger_id"
