"""The limits of the Web API's methods: each kept at N and refused (or cut) at N + 1."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, Workspace
from bot.playground.workspace import Person
from tests.playground.helpers import error_of, refusal, section

OPS = "C0OPS00001"


def x(n: int) -> str:
    return "x" * n


async def post(client: AsyncWebClient, text: str = "Hello") -> str:
    return str((await client.chat_postMessage(channel=OPS, text=text))["ts"])


async def test_a_post_is_cut_at_40000_characters(slack: LocalSlack, client: AsyncWebClient) -> None:
    await post(client, x(40_000))
    await post(client, x(40_001))
    assert [len(message.text) for message in slack.messages("ops")] == [40_000, 40_000]


async def test_an_update_takes_4000_bytes(client: AsyncWebClient) -> None:
    ts = await post(client)
    await client.chat_update(channel=OPS, ts=ts, text=x(4000))
    call = client.chat_update(channel=OPS, ts=ts, text=x(4001))
    assert await error_of(call) == "msg_too_long"
    # One report has Slack count bytes: the stricter reading holds.
    await client.chat_update(channel=OPS, ts=ts, text="é" * 2000)
    call = client.chat_update(channel=OPS, ts=ts, text="é" * 2001)
    assert await error_of(call) == "msg_too_long"


async def test_an_ephemeral_takes_4000_characters(client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel=OPS, user="U0ALICE001", text=x(4000))
    call = client.chat_postEphemeral(channel=OPS, user="U0ALICE001", text=x(4001))
    assert await error_of(call) == "msg_too_long"


async def test_markdown_text_takes_12000_characters(client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=OPS, markdown_text=x(12_000))
    call = client.chat_postMessage(channel=OPS, markdown_text=x(12_001))
    assert await error_of(call) == "msg_too_long"
    both = client.chat_postMessage(channel=OPS, markdown_text="m", text="t")
    assert await error_of(both) == "markdown_text_conflict"


async def test_metadata_takes_16000_bytes(client: AsyncWebClient) -> None:
    async def with_payload(n: int) -> object:
        payload = {"key": x(n - len('{"key":""}'))}
        metadata = {"event_type": "t", "event_payload": payload}
        return await client.chat_postMessage(channel=OPS, text="t", metadata=metadata)

    await with_payload(16_000)
    assert await error_of(with_payload(16_001)) == "metadata_too_large"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (x(80), None),
        (x(81), "invalid_name_maxlength"),
        ("", "invalid_name_required"),
        ("with space", "invalid_name_specials"),
        ("Capital", "invalid_name_specials"),
        ("dot.ted", "invalid_name_specials"),
        ("-_-", "invalid_name_punctuation"),
        ("ops", "name_taken"),
        ("inc-42_db", None),
    ],
)
async def test_channel_names(client: AsyncWebClient, name: str, error: str | None) -> None:
    created = client.conversations_create(name=name)
    if error:
        assert await error_of(created) == error
        renamed = client.conversations_rename(channel=OPS, name=name)
        assert await error_of(renamed) == error
    else:
        assert (await created)["channel"]["name"] == name


async def test_topic_and_purpose_take_250_characters(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.conversations_setTopic(channel=OPS, topic=x(250))
    await client.conversations_setPurpose(channel=OPS, purpose=x(250))
    long = client.conversations_setTopic(channel=OPS, topic=x(251))
    assert await error_of(long) == "too_long"
    long = client.conversations_setPurpose(channel=OPS, purpose=x(251))
    assert await error_of(long) == "too_long"
    assert slack.workspace.find_channel("ops").topic == x(250)


async def test_100_people_may_be_invited_at_once() -> None:
    people = [Person(f"U{n:09d}", f"p{n}", f"P {n}") for n in range(101)]
    async with LocalSlack(Workspace(people), rate_limits=False) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        channel = (await client.conversations_create(name="crowd"))["channel"]["id"]
        ids = [person.id for person in people]
        too_many = client.conversations_invite(channel=channel, users=ids)
        assert await error_of(too_many) == "invalid_arguments"
        await client.conversations_invite(channel=channel, users=ids[:100])
        answer = await client.conversations_info(channel=channel, include_num_members=True)
        assert answer["channel"]["num_members"] == 101


async def test_pages_are_smaller_than_1000(client: AsyncWebClient) -> None:
    ts = await post(client)
    arguments = {"channel": OPS, "ts": ts}
    for method in (
        "conversations.history",
        "conversations.replies",
        "conversations.members",
        "conversations.list",
        "users.conversations",
        "users.list",
    ):
        await client.api_call(method, params={**arguments, "limit": 999})
        for limit in (1000, -1):
            call = client.api_call(method, params={**arguments, "limit": limit})
            assert await error_of(call) == "invalid_limit"


async def test_a_channel_holds_100_pins_and_bookmarks(client: AsyncWebClient) -> None:
    for _ in range(100):
        await client.pins_add(channel=OPS, timestamp=await post(client))
        await client.bookmarks_add(channel_id=OPS, title="B", type="link", link="https://e.example")
    pin = client.pins_add(channel=OPS, timestamp=await post(client))
    assert await error_of(pin) == "too_many_pins"
    mark = client.bookmarks_add(channel_id=OPS, title="B", type="link", link="https://e.example")
    assert await error_of(mark) == "too_many_bookmarks"


async def test_blocks_validate_needs_no_token_and_tells_where(slack: LocalSlack) -> None:
    anonymous = AsyncWebClient(base_url=slack.api_url)
    assert (await anonymous.api_call("blocks.validate", json={"blocks": [section()]}))["ok"]
    for holder in ({"blocks": [section("")]}, {"message": {"blocks": [section("")]}}):
        body = await refusal(anonymous.api_call("blocks.validate", json=holder))
        (problem,) = body["errors"]
        assert problem == {
            "code": "too_short",
            "message": "must be more than 0 characters",
            "field": "text",
            "pointer": "/blocks/0/text/text",
            "constraint": 1,
        }
