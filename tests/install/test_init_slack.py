"""What `opsbell init` asks of Slack where it is given the bot's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.config.environment import SlackSecrets
from bot.config.secret import Secret
from bot.errors import UsageError
from bot.install.workspace import Known, admin_called, channel_named
from bot.playground import Channel, LocalSlack, Person, Workspace
from bot.slack.manifest import SCOPES
from bot.words import Sign

ALICE = Known("U0ALICE001", "Alice Adams (U0ALICE001)")
LIST = "Slack shows it in your profile: ⋮, Copy member ID."


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    workspace = Workspace.sample()
    workspace.app.scopes = set(SCOPES)
    for person in (
        Person("U0TWIN0001", "alex", "Alex Example"),
        Person("U0TWIN0002", "alex2", "Alex Example"),
        Person("U0GONE0001", "gone", "Gone Example", deleted=True),
        Person("U0SHARED01", "sam", "Sam Shared", team="T0ELSEWHERE"),
    ):
        workspace.people[person.id] = person
    workspace.add_channel(Channel("C0LOBBY001", "lobby"))
    workspace.add_channel(Channel("C0OLD00001", "old", archived=True))
    async with LocalSlack(workspace, rate_limits=False) as opened:
        yield opened


@pytest.fixture
def secrets(slack: LocalSlack) -> SlackSecrets:
    return SlackSecrets(Secret(slack.bot_token), None, None, slack.api_url)


@pytest.mark.parametrize(
    "text", ["U0ALICE001", "<@U0ALICE001>", "alice", "@alice", "ALICE", "Alice Adams"]
)
async def test_the_installer_is_found_by_whatever_they_are_called(
    secrets: SlackSecrets, text: str
) -> None:
    assert await admin_called(secrets, text) == ALICE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@nobody", f'Slack knows no member "@nobody". {LIST}'),
        ("U0NOBODY01", f'Slack knows no member "U0NOBODY01". {LIST}'),
        ("@gone", f'Slack knows no member "@gone". {LIST}'),
        ("U0GONE0001", f'Slack knows no member "U0GONE0001". {LIST}'),
        ("@sam", f'Slack knows no member "@sam". {LIST}'),
        ("U0SHARED01", f'Slack knows no member "U0SHARED01". {LIST}'),
        ("@opsbell", f'Slack knows no member "@opsbell". {LIST}'),
        (
            "alex example",
            (
                'Several people are called "alex example": Alex Example (U0TWIN0001)'
                " and Alex Example (U0TWIN0002). Give the ID."
            ),
        ),
    ],
)
async def test_who_is_nobody_or_not_clear_is_said(
    secrets: SlackSecrets, text: str, line: str
) -> None:
    with pytest.raises(UsageError) as error:
        await admin_called(secrets, text)
    assert str(error.value) == line


async def test_with_a_wrong_token_an_id_is_taken_and_a_name_is_not(secrets: SlackSecrets) -> None:
    wrong = replace(secrets, bot_token=Secret("xoxb-wrong"))
    known = await admin_called(wrong, "U0ALICE001")
    assert known.value == "U0ALICE001"
    assert known.sign is Sign.WARNING
    unknown = "Slack does not know the SLACK_BOT_TOKEN"
    assert unknown in known.says
    with pytest.raises(UsageError, match=rf"^@alice was not looked up\. {unknown}.*Give the ID"):
        await admin_called(wrong, "@alice")
    channel = await channel_named(wrong, "ops")
    assert (channel.value, channel.sign) == ("ops", Sign.WARNING)
    assert unknown in channel.says


async def test_whoever_renamed_the_bot_reads_its_own_name(
    slack: LocalSlack, secrets: SlackSecrets
) -> None:
    bot = slack.workspace.people[slack.workspace.app.user_id]
    slack.workspace.people[bot.id] = replace(bot, name="gv-bell")
    known = await channel_named(secrets, "lobby")
    assert known.says == "Opsbell is not in #lobby yet. Type /invite @gv-bell there."


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("#ops", Known("ops", "#ops")),
        ("C0OPS00001", Known("C0OPS00001", "#ops")),
        (
            "lobby",
            Known(
                "lobby",
                "Opsbell is not in #lobby yet. Type /invite @opsbell there.",
                Sign.WARNING,
            ),
        ),
        (
            "old",
            Known("old", "#old is archived. Unarchive it, or name another.", Sign.WARNING),
        ),
        (
            "nowhere",
            Known(
                "nowhere",
                "Slack shows Opsbell no channel #nowhere. Make it, and type /invite @opsbell in it;"
                " where it is private, invite alone.",
                Sign.WARNING,
            ),
        ),
    ],
)
async def test_what_a_channel_still_needs_is_said(
    secrets: SlackSecrets, text: str, known: Known
) -> None:
    assert await channel_named(secrets, text) == known
