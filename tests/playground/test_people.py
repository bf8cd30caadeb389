"""What people can do, and what Slack makes of what they type."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import actions, button

OPS, ALICE = "C0OPS00001", "U0ALICE001"


async def test_what_typed_names_become(slack: LocalSlack) -> None:
    alice = slack.person(ALICE)
    typed = "@ops @here @bob @nobody #alerts #nowhere https://e.example/?a=1&b=2 <@U0BOB00001>"
    message = await alice.say(typed, "ops")
    assert message.text == (
        "<!subteam^S0OPS00001|@ops> <!here> <@U0BOB00001> @nobody <#C0ALERTS01|> #nowhere "
        "<https://e.example/?a=1&amp;b=2> <@U0BOB00001>"
    )


async def test_nobody_acts_where_they_are_not(
    slack: LocalSlack,
    client: AsyncWebClient,
) -> None:
    alice = slack.person(ALICE)
    blocks = [actions(button("Go", action_id="go"))]
    await client.chat_postMessage(channel=OPS, text="T", blocks=blocks)
    (message,) = slack.messages("ops")
    slack.workspace.find_channel("ops").members.remove(ALICE)
    for doing in (
        alice.command("/backup now", "ops"),
        alice.say("Hello", "ops"),
        alice.click(message, "Go"),
        alice.click(message, "Go", stale=True),
        alice.react(message, "eyes"),
    ):
        with pytest.raises(LookupError):
            await doing


async def test_a_reaction_is_left_once(slack: LocalSlack) -> None:
    alice = slack.person(ALICE)
    message = await alice.say("Hello", "ops")
    with pytest.raises(LookupError):
        await alice.unreact(message, "eyes")
    await alice.react(message, "eyes")
    with pytest.raises(LookupError):
        await alice.react(message, "eyes")
    assert slack.current(message).reactions == {"eyes": (ALICE,)}
