"""Posting, updating, deleting and reading messages, by the rules of the chat.* methods."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import JSON, error_of, plain, refusal, rich_text, section

OPS, GENERAL, ALICE = "C0OPS00001", "C0GENERAL1", "U0ALICE001"
METADATA = {"event_type": "post", "event_payload": {"key": "k1"}}


async def test_a_post_comes_back_as_slack_stores_it(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(
        channel=OPS, text="Fallback", blocks=[section("Shown")], metadata=METADATA
    )
    message = posted["message"]
    assert message["user"] == slack.workspace.app.user_id
    assert message["bot_id"] == slack.workspace.app.bot_id
    assert message["ts"] == posted["ts"]
    assert message["metadata"] == METADATA
    (block,) = message["blocks"]
    assert block["block_id"]
    assert block["text"] == {"type": "mrkdwn", "text": "Shown", "verbatim": False}
    (kept,) = slack.messages("ops")
    assert (kept.ts, kept.text, kept.plain) == (posted["ts"], "Fallback", "Shown")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE1", "text": "t"}, "channel_not_found"),
        ({"channel": GENERAL, "text": "t"}, "not_in_channel"),
        ({"channel": OPS, "text": ""}, "no_text"),
        ({"channel": OPS, "text": "  "}, "no_text"),
        ({"channel": OPS, "text": "", "blocks": []}, "no_text"),
        ({"channel": OPS, "text": "t", "blocks": "{not json"}, "invalid_blocks_format"),
        ({"channel": OPS, "text": "t", "blocks": '{"type":"divider"}'}, "invalid_blocks_format"),
        ({"channel": OPS, "text": "t", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": OPS, "text": "t", "metadata": "x"}, "invalid_metadata_format"),
        ({"channel": OPS, "text": "t", "metadata": {"event_type": "e"}}, "invalid_metadata_schema"),
        ({"channel": OPS, "text": "t", "username": "Other"}, "missing_scope"),
        ({"text": "t"}, "invalid_arguments"),
    ],
)
async def test_refused_posts(client: AsyncWebClient, arguments: JSON, error: str) -> None:
    assert await error_of(client.api_call("chat.postMessage", json=arguments)) == error


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (None, "must provide an object [json-pointer:/blocks/0]"),
        ({"type": "nope"}, "unsupported type: nope [json-pointer:/blocks/0/type]"),
        (
            {"type": "alert", "text": plain("a")},
            "unsupported type: alert [json-pointer:/blocks/0/type]",
        ),
        ([], "must provide an object [json-pointer:/blocks/0]"),
        ({}, "missing required field: type [json-pointer:/blocks/0]"),
        (section(block_id=5), "must provide a string [json-pointer:/blocks/0/block_id]"),
        (section(expand="yes"), "must provide a boolean [json-pointer:/blocks/0/expand]"),
        (section(fields={}), "must provide an array [json-pointer:/blocks/0/fields]"),
        (
            {"type": "section", "text": "bare"},
            "must provide an object [json-pointer:/blocks/0/text]",
        ),
        (
            {"type": "header"},
            "missing required field: text [json-pointer:/blocks/0]",
        ),
        (
            {"type": "data_table", "caption": "C", "rows": [[]], "page_size": "5"},
            "no fewer than 2 items allowed [json-pointer:/blocks/0/rows]",
        ),
        (
            {"type": "container", "title": plain("T"), "child_blocks": [{"type": "table"}]},
            "unsupported type: table [json-pointer:/blocks/0/child_blocks/0/type]",
        ),
        (
            {"type": "card", "title": plain("T"), "slack_icon": {"name": "i"}}
            | {"icon": {"type": "image", "image_url": "https://e.example", "alt_text": "A"}},
            "must not define both icon and slack_icon [json-pointer:/blocks/0]",
        ),
        (section(color="red"), "invalid additional property: color [json-pointer:/blocks/0]"),
        (
            {"type": "header", "text": {"type": "mrkdwn", "text": "h"}},
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        ({"type": "section"}, "must define at least one of: text, fields [json-pointer:/blocks/0]"),
        (
            section(accessory={"type": "plain_text_input"}),
            "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]",
        ),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ],
)
async def test_refused_blocks_say_where(client: AsyncWebClient, block: Any, message: str) -> None:
    call = client.api_call(
        "chat.postMessage", json={"channel": OPS, "text": "t", "blocks": [block]}
    )
    body = await refusal(call)
    assert body["error"] == "invalid_blocks"
    assert body["errors"][0] == message


async def test_a_block_id_stands_once_in_a_message(client: AsyncWebClient) -> None:
    twice = [section(block_id="b"), section(block_id="b")]
    call = client.chat_postMessage(channel=OPS, text="t", blocks=twice)
    assert await error_of(call) == "invalid_blocks"


async def test_what_is_chosen_at_first_must_be_an_option(client: AsyncWebClient) -> None:
    options = [{"text": plain("One"), "value": "1"}]
    boxes = {"type": "checkboxes", "options": options, "initial_options": options}
    await client.chat_postMessage(channel=OPS, text="t", blocks=[section(accessory=boxes)])
    boxes["initial_options"] = [{"text": plain("Two"), "value": "2"}]
    call = client.chat_postMessage(channel=OPS, text="t", blocks=[section(accessory=boxes)])
    assert await error_of(call) == "invalid_blocks"


async def test_threads(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=OPS, text="Parent"))["ts"]
    reply = (await client.chat_postMessage(channel=OPS, text="Reply", thread_ts=parent))["ts"]
    await client.chat_postMessage(channel=OPS, text="Loud", thread_ts=parent, reply_broadcast=True)
    below = client.chat_postMessage(channel=OPS, text="t", thread_ts=reply)
    assert await error_of(below) == "cannot_reply_to_message"

    shown = (await client.conversations_history(channel=OPS))["messages"]
    assert [message["text"] for message in shown] == ["Loud", "Parent"]
    assert (shown[1]["reply_count"], shown[1]["thread_ts"]) == (2, parent)
    thread = (await client.conversations_replies(channel=OPS, ts=parent))["messages"]
    assert [message["text"] for message in thread] == ["Parent", "Reply", "Loud"]
    assert [message.text for message in slack.replies(slack.messages("ops")[0])] == [
        "Reply",
        "Loud",
    ]
    missing = client.conversations_replies(channel=OPS, ts="1.000001")
    assert await error_of(missing) == "thread_not_found"


async def test_an_update_of_text_removes_blocks(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(
        channel=OPS, text="One", blocks=[section("B")], metadata=METADATA
    )
    ts = posted["ts"]
    without_text = {"channel": OPS, "ts": ts, "blocks": [section("C")]}
    await client.api_call("chat.update", json=without_text)
    (message,) = slack.messages("ops")
    assert (message.text, message.plain, message.edited) == ("One", "C", None)
    await client.chat_update(channel=OPS, ts=ts, text="Two")
    (message,) = slack.messages("ops")
    assert (message.text, message.blocks) == ("Two", [])
    assert message.edited is not None
    assert message.metadata == METADATA
    assert [version.plain for version in message.history] == ["B", "C"]
    assert message.edited_count == 2


async def test_an_update_may_replace_metadata(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="One", metadata=METADATA))["ts"]
    other = {"event_type": "post", "event_payload": {"key": "k2"}}
    await client.chat_update(channel=OPS, ts=ts, text="Two", metadata=other)
    assert slack.messages("ops")[0].metadata == other


async def test_refused_updates(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="One", blocks=[rich_text()]))["ts"]
    theirs = (await slack.person(ALICE).say("Mine", "ops")).ts
    whispered = (await client.chat_postEphemeral(channel=OPS, user=ALICE, text="t"))["message_ts"]

    async def update(**arguments: Any) -> str:
        body = {"channel": OPS, "ts": ts} | arguments
        return await error_of(client.api_call("chat.update", json=body))

    assert await update(text="t", ts="1.000001") == "message_not_found"
    assert await update(text="t", ts=whispered) == "message_not_found"
    assert await update(text="t", ts=theirs) == "cant_update_message"
    assert await update(text="t", channel="ops") == "channel_not_found"
    assert await update(blocks=[section()]) == "block_mismatch"
    assert await update() == "no_text"
    assert await update(text="", blocks=[]) == "no_text"


async def test_deleting(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="One"))["ts"]
    theirs = (await slack.person(ALICE).say("Mine", "ops")).ts
    await client.chat_delete(channel=OPS, ts=ts)
    again = client.chat_delete(channel=OPS, ts=ts)
    assert await error_of(again) == "message_not_found"
    foreign = client.chat_delete(channel=OPS, ts=theirs)
    assert await error_of(foreign) == "cant_delete_message"
    assert [message.ts for message in slack.messages("ops")] == [theirs]


async def test_a_deleted_parent_leaves_a_tombstone(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=OPS, text="Parent"))["ts"]
    await client.chat_postMessage(channel=OPS, text="Reply", thread_ts=parent)
    await client.chat_delete(channel=OPS, ts=parent)
    (stone,) = (await client.conversations_history(channel=OPS))["messages"]
    assert (stone["subtype"], stone["reply_count"]) == ("tombstone", 1)
    assert await error_of(client.chat_update(channel=OPS, ts=parent, text="t")) == (
        "message_not_found"
    )


async def test_an_ephemeral_is_seen_by_one_person_and_never_in_history(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel=OPS, user=ALICE, text="Psst")
    assert [message.text for message in slack.person(ALICE).ephemerals("ops")] == ["Psst"]
    assert slack.person("U0BOB00001").ephemerals() == []
    assert (await client.conversations_history(channel=OPS))["messages"] == []
    stranger = client.chat_postEphemeral(channel=OPS, user="U0NOBODY01", text="t")
    assert await error_of(stranger) == "user_not_in_channel"


async def test_history_ranges_pages_and_metadata(client: AsyncWebClient) -> None:
    stamps = [
        str((await client.chat_postMessage(channel=OPS, text=str(n), metadata=METADATA))["ts"])
        for n in range(5)
    ]

    async def texts(**arguments: Any) -> list[str]:
        answer = await client.conversations_history(channel=OPS, **arguments)
        return [message["text"] for message in answer["messages"]]

    assert await texts() == ["4", "3", "2", "1", "0"]
    assert await texts(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await texts(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    assert await texts(oldest="0") == ["4", "3", "2", "1", "0"]

    first = await client.conversations_history(channel=OPS, limit=2)
    assert first["has_more"]
    await client.chat_postMessage(channel=OPS, text="new")
    cursor = first["response_metadata"]["next_cursor"]
    assert await texts(limit=2, cursor=cursor) == ["2", "1"]
    assert "metadata" not in first["messages"][0]
    full = await client.conversations_history(channel=OPS, include_all_metadata=True, limit=1)
    assert "metadata" not in full["messages"][0]
    full = await client.conversations_history(
        channel=OPS, include_all_metadata=True, latest=stamps[4], inclusive=True, limit=1
    )
    assert full["messages"][0]["metadata"] == METADATA

    for name in ("oldest", "latest"):
        arguments = {"channel": OPS, name: "yesterday"}
        call = client.api_call("conversations.history", params=arguments)
        assert await error_of(call) == f"invalid_ts_{name}"
    bad = client.conversations_history(channel=OPS, cursor="bad")
    assert await error_of(bad) == "invalid_cursor"
    outside = client.conversations_history(channel=GENERAL)
    assert await error_of(outside) == "not_in_channel"


async def test_permalink(client: AsyncWebClient) -> None:
    ts = str((await client.chat_postMessage(channel=OPS, text="One"))["ts"])
    link = (await client.chat_getPermalink(channel=OPS, message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/{OPS}/p{ts.replace('.', '')}")
    missing = client.chat_getPermalink(channel=OPS, message_ts="1.000001")
    assert await error_of(missing) == "message_not_found"


async def test_attachments_are_checked_like_messages(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    async def post(attachments: Any) -> Any:
        body = {"channel": OPS, "text": "t", "attachments": attachments}
        return await client.api_call("chat.postMessage", json=body)

    await post([{"color": "#f00", "blocks": [section("Inside")]}])
    assert slack.messages("ops")[0].attachments[0]["color"] == "#f00"
    body = await refusal(post([{"blocks": [section("")]}]))
    assert body["error"] == "invalid_blocks"
    assert "json-pointer:/attachments/0/blocks/0/text/text" in body["errors"][0]
    for bad in ({"a": 1}, ["text"]):
        assert await error_of(post(bad)) == "invalid_attachments"


async def test_a_permalink_into_a_thread(client: AsyncWebClient) -> None:
    parent = str((await client.chat_postMessage(channel=OPS, text="One"))["ts"])
    reply = await client.chat_postMessage(channel=OPS, text="Two", thread_ts=parent)
    link = (await client.chat_getPermalink(channel=OPS, message_ts=reply["ts"]))["permalink"]
    assert f"?thread_ts={parent}&cid={OPS}" in link


async def test_a_deleted_reply_leaves_the_thread(client: AsyncWebClient) -> None:
    parent = str((await client.chat_postMessage(channel=OPS, text="One"))["ts"])
    loud = await client.chat_postMessage(
        channel=OPS, text="Two", thread_ts=parent, reply_broadcast=True
    )
    await client.chat_delete(channel=OPS, ts=loud["ts"])
    (shown,) = (await client.conversations_history(channel=OPS))["messages"]
    assert "reply_count" not in shown
