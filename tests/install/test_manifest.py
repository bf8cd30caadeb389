"""The manifest asks for exactly what Opsbell uses: with any scope taken away, something fails."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import Channel, LocalSlack, Workspace
from bot.slack import inbound
from bot.slack.channels import Channels
from bot.slack.client import SlackRefused, open_session, slack_errors, web_client
from bot.slack.lookup import find_message
from bot.slack.manifest import EVENTS, SCOPES
from bot.slack.message import Upload
from bot.slack.people import People
from bot.slack.surface import Kind
from bot.slack.topics import Topics
from bot.slack.uploads import is_shown, send_content
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import edge

BOT = Path(__file__).parents[2] / "bot"
PUBLIC, PRIVATE = "C0OPS00001", "G0SECRET01"

# The scopes that Slack's documentation names for each method that is called.
NEEDED: Mapping[str, set[str]] = {
    "apps.connections.open": set(),
    "auth.test": set(),
    "bots.info": {"users:read"},
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history"},
    "conversations.setTopic": {"channels:write.topic", "groups:write"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "files.info": {"files:read"},
    "usergroups.list": {"usergroups:read"},
    "usergroups.users.list": {"usergroups:read"},
    "users.conversations": {"channels:read", "groups:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "views.open": set(),
    "views.publish": set(),
    "views.push": set(),
    "views.update": set(),
}
# And for each event.
HEARD_WITH = {
    "app_home_opened": set[str](),
    "app_mention": {"app_mentions:read"},
    "message.im": {"im:history"},
}


def methods_called() -> set[str]:
    """The Web API's methods that the code calls on a client."""
    found: set[str] = set()
    for path in BOT.rglob("*.py"):
        if BOT / "playground" in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("client"):
                called = getattr(AsyncWebClient, node.attr, None)
                if callable(called) and "_" in node.attr:
                    found.add(node.attr.replace("_", "."))
    return found


def test_the_scopes_are_those_of_the_methods_and_events_in_use() -> None:
    called = methods_called()
    assert "chat.postMessage" in called
    assert called <= NEEDED.keys()
    assert HEARD_WITH.keys() == EVENTS.keys()
    used = set[str]().union(*(NEEDED[each] for each in called), *HEARD_WITH.values())
    # Which the slash commands need, however they are used.
    assert set(SCOPES) == used | {"commands"}


def test_every_scope_is_taken_away_once() -> None:
    """But for `commands`, without which an app with slash commands cannot be made at all."""
    heard = set[str]().union(*HEARD_WITH.values())
    assert set(SCOPES) == DEEDS.keys() | heard | {"commands"}


async def look_for_a_message(client: AsyncWebClient, channel: str) -> None:
    since = datetime.now(UTC)
    assert await find_message(client, "a", channel_id=channel, thread="", since=since) is None


async def resolve_a_channel(client: AsyncWebClient) -> None:
    assert await Channels(client).resolve("ops") == PUBLIC


async def write(client: AsyncWebClient) -> None:
    with slack_errors("chat.postMessage"):
        await client.chat_postMessage(channel=PUBLIC, text="A word")


async def open_a_direct_message(client: AsyncWebClient) -> None:
    with slack_errors("conversations.open"):
        await client.conversations_open(users=["U0ALICE001"])


async def see_a_file(client: AsyncWebClient) -> None:
    assert not await is_shown(client, "F0NONE0001", PUBLIC, within=timedelta())


async def know_a_group(client: AsyncWebClient) -> None:
    people = People(client, {"operator": ("@ops",)})
    roles = await people.roles_for("U0ALICE001")
    if roles.unknown:
        raise SlackRefused("usergroups.list", "missing_scope")


async def know_a_member(client: AsyncWebClient) -> None:
    roles = await People(client, {}).roles_for("U0EVE00001")
    if roles.unknown:
        raise SlackRefused("users.info", "missing_scope")


DEEDS: Mapping[str, Callable[[AsyncWebClient], Awaitable[object]]] = {
    "channels:history": lambda client: look_for_a_message(client, PUBLIC),
    "channels:read": resolve_a_channel,
    "channels:write.topic": lambda client: Topics(client).write(PUBLIC, "In maintenance"),
    "chat:write": write,
    "files:read": see_a_file,
    "files:write": lambda client: send_content(client, Upload("a.txt", b"a", "A")),
    "groups:history": lambda client: look_for_a_message(client, PRIVATE),
    "groups:read": resolve_a_channel,
    "groups:write": lambda client: Topics(client).write(PRIVATE, "In maintenance"),
    "im:write": open_a_direct_message,
    "usergroups:read": know_a_group,
    "users:read": know_a_member,
}


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    workspace = Workspace.sample()
    workspace.app.scopes = set(SCOPES)
    members = {"U0ALICE001", workspace.app.user_id}
    workspace.add_channel(Channel(PRIVATE, "secret", "private_channel", members))
    async with LocalSlack(workspace, events=EVENTS, rate_limits=False) as opened:
        yield opened


@pytest.mark.parametrize("scope", DEEDS)
async def test_without_a_scope_something_is_refused(slack: LocalSlack, scope: str) -> None:
    async with open_session() as session:
        client = web_client(session, slack.bot_token, slack.api_url)
        await DEEDS[scope](client)
        slack.workspace.app.scopes -= {scope}
        with pytest.raises(SlackRefused) as refused:
            await DEEDS[scope](client)
    assert refused.value.code == "missing_scope"


@pytest.mark.parametrize(("scope", "place"), [("app_mentions:read", "ops"), ("im:history", "")])
async def test_without_a_scope_something_is_not_heard(
    slack: LocalSlack, database: Database, queue: Queue, scope: str, place: str
) -> None:
    alice = slack.person("alice")
    async with edge(slack, database, queue) as bot:
        await slack.wait_connected()
        await alice.say("@opsbell backup now heard", place or alice.dm)
        assert await bot.until_deeds(1) == ["now heard"]
        slack.workspace.app.scopes -= {scope}
        await alice.say("@opsbell backup now unheard", place or alice.dm)
        await alice.command("/backup now after", "ops")
        assert await bot.until_deeds(2) == ["now heard", "now after"]


HAPPENED: Mapping[str, Mapping[str, str]] = {
    "app_home_opened": {"type": "app_home_opened", "tab": "home", "event_ts": "1.2"},
    "app_mention": {"type": "app_mention", "text": "<@U0BOT> backup", "channel": "C", "ts": "1.2"},
    "message.im": {
        "type": "message",
        "channel_type": "im",
        "text": "backup",
        "channel": "D",
        "ts": "1.2",
    },
}


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_listened_to(name: str) -> None:
    payload = {"type": "event_callback", "event": {"user": "U0ALICE001", **HAPPENED[name]}}
    request = inbound.read(payload, bot_user="U0BOT")
    assert request is not None
    assert request.kind is (Kind.HOME if name == "app_home_opened" else Kind.MENTION)
