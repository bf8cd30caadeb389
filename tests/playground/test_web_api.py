"""Tokens, scopes, argument formats, and the methods around channels, people and reactions."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, Person, Workspace
from bot.playground.workspace import App
from tests.playground.helpers import error_of, refusal, section

OPS, GENERAL, ALICE = "C0OPS00001", "C0GENERAL1", "U0ALICE001"


def as_(slack: LocalSlack, token: str | None) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=slack.api_url)


async def test_auth_test_names_the_app_and_its_scopes(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.workspace.app.user_id
    assert answer["team_id"] == slack.workspace.team_id
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_tokens(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert await error_of(as_(slack, None).auth_test()) == "not_authed"
    assert await error_of(as_(slack, "xoxb-other").auth_test()) == "invalid_auth"
    wrong = as_(slack, slack.app_token).chat_postMessage(channel=OPS, text="t")
    assert await error_of(wrong) == "not_allowed_token_type"
    wrong = client.apps_connections_open(app_token=slack.bot_token)
    assert await error_of(wrong) == "not_allowed_token_type"
    wrong = client.reminders_add(text="t", time="tomorrow")
    assert await error_of(wrong) == "not_allowed_token_type"
    assert (await client.apps_connections_open(app_token=slack.app_token))["url"].startswith(
        "ws://"
    )
    assert (await as_(slack, None).api_test(foo="bar"))["args"]["foo"] == "bar"


async def test_scopes(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.workspace.app.scopes = {"chat:write"}
    body = await refusal(client.users_info(user=ALICE))
    assert body["error"] == "missing_scope"
    assert (body["needed"], body["provided"]) == ("users:read", "chat:write")
    assert (await refusal(client.conversations_history(channel=OPS)))[
        "needed"
    ] == "channels:history"
    assert (await refusal(client.conversations_create(name="new")))["needed"] == "channels:manage"
    secret = client.conversations_create(name="new", is_private=True)
    assert (await refusal(secret))["needed"] == "groups:write"
    assert (await refusal(client.usergroups_list()))["needed"] == "usergroups:read"
    await client.chat_postMessage(channel=OPS, text="t")


async def test_public_posting_needs_its_own_scope(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    assert await error_of(client.chat_postMessage(channel=GENERAL, text="t")) == "not_in_channel"
    slack.workspace.app.scopes.add("chat:write.public")
    await client.chat_postMessage(channel=GENERAL, text="t")


async def test_unknown_methods(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


@pytest.mark.parametrize("form", ["query", "form", "json"])
async def test_arguments_may_come_in_any_form(
    slack: LocalSlack, session: aiohttp.ClientSession, form: str
) -> None:
    blocks: Any = [section("Shown")]
    arguments: dict[str, Any] = {"channel": OPS, "text": "Text", "blocks": blocks}
    if form != "json":
        arguments["blocks"] = json.dumps(blocks)
    sent: dict[str, Any] = {{"query": "params", "form": "data", "json": "json"}[form]: arguments}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with session.post(url, headers=headers, **sent) as response:
        assert response.status == 200
        assert (await response.json())["message"]["blocks"][0]["text"]["text"] == "Shown"


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[]", "json_not_object")])
async def test_bad_json(
    slack: LocalSlack, session: aiohttp.ClientSession, body: str, error: str
) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    url = f"{slack.api_url}chat.postMessage"
    async with session.post(url, data=body, headers=headers) as response:
        assert await response.json() == {"ok": False, "error": error}


async def test_calls_are_remembered_without_the_token(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=OPS, text="One")
    await error_of(client.chat_postMessage(channel="C0", text="Two"))
    first, second = slack.calls_to("chat.postMessage")
    assert (first.args["text"], first.status, first.error) == ("One", 200, None)
    assert (second.args["text"], second.status, second.error) == ("Two", 200, "channel_not_found")
    assert slack.bot_token not in repr(slack.calls)


async def test_the_life_of_a_channel(slack: LocalSlack, client: AsyncWebClient) -> None:
    made = (await client.conversations_create(name="inc-1"))["channel"]
    channel = made["id"]
    assert made["is_member"]
    await client.conversations_invite(channel=channel, users=[ALICE, "U0BOB00001"])
    for users, error in (
        ([ALICE], "already_in_channel"),
        ([slack.workspace.app.user_id], "cant_invite_self"),
        (["U0NOBODY01"], "user_not_found"),
    ):
        assert await error_of(client.conversations_invite(channel=channel, users=users)) == error
    await client.conversations_invite(channel=channel, users=[ALICE, "U0DAN00001"], force=True)
    members = (await client.conversations_members(channel=channel))["members"]
    assert {ALICE, "U0BOB00001", "U0DAN00001"} < set(members)

    await client.conversations_setTopic(channel=channel, topic="Down")
    await client.conversations_rename(channel=channel, name="inc-2")
    info = (await client.conversations_info(channel=channel))["channel"]
    assert (info["name"], info["topic"]["value"]) == ("inc-2", "Down")
    await client.conversations_archive(channel=channel)
    again = client.conversations_archive(channel=channel)
    assert await error_of(again) == "already_archived"
    posted = client.chat_postMessage(channel=channel, text="t")
    assert await error_of(posted) == "is_archived"
    listed = await client.conversations_list(exclude_archived=True)
    assert "inc-2" not in {each["name"] for each in listed["channels"]}


async def test_channels_the_app_is_not_in(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert await error_of(client.conversations_setTopic(channel=GENERAL, topic="t")) == (
        "not_in_channel"
    )
    assert await error_of(client.conversations_archive(channel=GENERAL)) == "cant_archive_general"
    await client.conversations_join(channel=GENERAL)
    assert (await client.conversations_join(channel=GENERAL))["warning"] == "already_in_channel"
    slack.workspace.find_channel("alerts").kind = "private_channel"
    joining = client.conversations_join(channel="C0ALERTS01")
    assert await error_of(joining) == "method_not_supported_for_channel_type"
    slack.workspace.find_channel("alerts").members.clear()
    hidden = client.conversations_info(channel="C0ALERTS01")
    assert await error_of(hidden) == "channel_not_found"


async def test_lists_come_in_pages(client: AsyncWebClient) -> None:
    names: list[str] = []
    async for page in await client.conversations_list(limit=2):
        assert len(page["channels"]) <= 2
        names += [channel["name"] for channel in page["channels"]]
    assert names == ["ops", "alerts", "incidents", "support", "general"]
    own = (await client.users_conversations())["channels"]
    assert [channel["name"] for channel in own] == ["ops", "alerts", "incidents", "support"]
    assert await error_of(client.conversations_list(types="rooms")) == "invalid_types"
    people = (await client.users_list(limit=100))["members"]
    assert len(people) == 6


async def test_people_and_groups(client: AsyncWebClient) -> None:
    alice = (await client.users_info(user=ALICE))["user"]
    assert (alice["name"], alice["real_name"]) == ("alice", "Alice Adams")
    found = await client.users_lookupByEmail(email=alice["profile"]["email"])
    assert found["user"]["id"] == ALICE
    assert await error_of(client.users_info(user="U0")) == "user_not_found"
    assert await error_of(client.users_lookupByEmail(email="x@y.z")) == "users_not_found"
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert {group["handle"]: len(group["users"]) for group in groups} == {"ops": 2, "admins": 2}
    users = (await client.usergroups_users_list(usergroup="S0OPS00001"))["users"]
    assert users == [ALICE, "U0BOB00001"]
    assert await error_of(client.usergroups_users_list(usergroup="S0")) == "no_such_subteam"


async def test_direct_messages(slack: LocalSlack, client: AsyncWebClient) -> None:
    channel = (await client.conversations_open(users=ALICE))["channel"]["id"]
    assert (await client.conversations_open(users=[ALICE]))["channel"]["id"] == channel
    await client.chat_postMessage(channel=channel, text="One")
    posted = await client.chat_postMessage(channel=ALICE, text="Two")
    assert posted["channel"] == channel
    assert [message.text for message in slack.messages(slack.person(ALICE).dm)] == ["One", "Two"]
    assert await error_of(client.conversations_open(users="U0")) == "user_not_found"


async def test_reactions_pins_and_bookmarks(client: AsyncWebClient) -> None:
    ts = str((await client.chat_postMessage(channel=OPS, text="One"))["ts"])
    await client.reactions_add(channel=OPS, timestamp=ts, name="eyes")
    again = client.reactions_add(channel=OPS, timestamp=ts, name="eyes")
    assert await error_of(again) == "already_reacted"
    bad = client.reactions_add(channel=OPS, timestamp=ts, name="No Such")
    assert await error_of(bad) == "invalid_name"
    shown = (await client.reactions_get(channel=OPS, timestamp=ts))["message"]
    assert [reaction["name"] for reaction in shown["reactions"]] == ["eyes"]
    await client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")
    gone = client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")
    assert await error_of(gone) == "no_reaction"

    await client.pins_add(channel=OPS, timestamp=ts)
    assert await error_of(client.pins_add(channel=OPS, timestamp=ts)) == "already_pinned"
    assert (await client.conversations_history(channel=OPS))["pin_count"] == 1
    missing = client.pins_add(channel=OPS, timestamp="1.000001")
    assert await error_of(missing) == "message_not_found"

    bad = client.bookmarks_add(channel_id=OPS, title="B", type="link", link="nowhere")
    assert await error_of(bad) == "invalid_link"
    await client.bookmarks_add(channel_id=OPS, title="B", type="link", link="https://e.example")
    assert (await client.bookmarks_list(channel_id=OPS))["bookmarks"][0]["title"] == "B"


async def test_what_is_listed_of_a_channel(client: AsyncWebClient) -> None:
    ts = str((await client.chat_postMessage(channel=OPS, text="One"))["ts"])
    await client.pins_add(channel=OPS, timestamp=ts)
    (pin,) = (await client.pins_list(channel=OPS))["items"]
    assert pin["message"]["ts"] == ts
    await client.pins_remove(channel=OPS, timestamp=ts)
    assert await error_of(client.pins_remove(channel=OPS, timestamp=ts)) == "no_pin"
    kind = client.bookmarks_add(channel_id=OPS, title="B", type="page", link="https://e.example")
    assert await error_of(kind) == "invalid_bookmark_type"


async def test_who_is_who(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await client.team_info())["team"]["domain"] == slack.workspace.domain
    bot = (await client.bots_info(bot=slack.workspace.app.bot_id))["bot"]
    assert bot["user_id"] == slack.workspace.app.user_id
    assert await error_of(client.bots_info(bot="B0")) == "bot_not_found"
    assert await error_of(client.api_test(error="my_error")) == "my_error"
    slack.workspace.app.scopes.remove("users:read.email")
    profile = (await client.users_info(user=ALICE))["user"]["profile"]
    assert "email" not in profile


async def test_a_large_workspace_is_listed_in_pages_only() -> None:
    people = [Person(f"U{n:09d}", f"p{n}", f"P {n}") for n in range(1000)]
    async with LocalSlack(Workspace(people), rate_limits=False) as slack:
        client = as_(slack, slack.bot_token)
        assert await error_of(client.users_list()) == "limit_required"
        pages = [len(page["members"]) async for page in await client.users_list(limit=400)]
        assert pages == [400, 400, 201]


async def test_private_channels_and_group_messages(client: AsyncWebClient) -> None:
    secret = (await client.conversations_create(name="secret", is_private=True))["channel"]
    assert secret["is_private"]
    listed = await client.conversations_list(types="private_channel")
    assert [channel["id"] for channel in listed["channels"]] == [secret["id"]]
    several = client.conversations_open(users=[ALICE, "U0BOB00001"])
    assert (await refusal(several))["needed"] == "mpim:write"
    assert await error_of(client.conversations_open(users="")) == "users_list_not_supplied"


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("chat.postMessage", {"channel": {"id": OPS}, "text": "t"}, "must provide a string"),
        ("conversations.history", {}, "missing required field: channel"),
        (
            "views.update",
            {"view": {"type": "home", "blocks": []}},
            "missing required field: view_id",
        ),
        ("views.open", {"trigger_id": "1.2.3"}, "missing required field: view"),
        ("files.completeUploadExternal", {}, "missing required field: files"),
    ],
)
async def test_bad_arguments(
    client: AsyncWebClient, method: str, arguments: dict[str, Any], message: str
) -> None:
    body = await refusal(client.api_call(method, json=arguments))
    assert body["error"] == "invalid_arguments"
    assert message in body["response_metadata"]["messages"][0]


async def test_tokens_that_slack_takes_no_more(slack: LocalSlack, client: AsyncWebClient) -> None:
    for code in ("token_revoked", "account_inactive", "token_expired"):
        slack.workspace.app.dead_tokens[slack.bot_token] = code
        assert await error_of(client.auth_test()) == code


async def test_an_answer_carries_the_scopes_of_its_token_and_slacks_time(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    answer = await client.auth_test()
    assert abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 5
    opened = await client.apps_connections_open(app_token=slack.app_token)
    assert opened.headers["x-oauth-scopes"] == "connections:write"
    with pytest.raises(SlackApiError) as raised:
        await as_(slack, "xoxb-other").auth_test()
    assert "x-oauth-scopes" not in raised.value.response.headers


async def test_an_app_level_token_needs_its_scope(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.workspace.app.app_scopes = {"authorizations:read"}
    body = await refusal(client.apps_connections_open(app_token=slack.app_token))
    assert body["error"] == "missing_scope"
    assert (body["needed"], body["provided"]) == ("connections:write", "authorizations:read")


async def test_the_app_level_token_of_another_app_opens_that_apps_connection(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.workspace.other_apps.append(App(id="A0OTHER001", app_token="xapp-other"))
    opened = await client.apps_connections_open(app_token="xapp-other")
    assert opened["url"].endswith("&app_id=A0OTHER001")


async def test_guests_are_marked(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.workspace.people[ALICE].is_guest = True
    assert (await client.users_info(user=ALICE))["user"]["is_restricted"]
