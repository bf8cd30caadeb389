"""A newcomer's mistakes with channels, people and groups, made in the local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.playground import Channel, LocalSlack, UserGroup
from tests.mistakes.slack_scenes import as_it_is, roles, slack_is
from tests.mistakes.table import Bench, Mistake, Scene, prove

MEMBER_ID = "in Slack, open their profile, ⋮, Copy member ID"


def add_channel(slack: LocalSlack) -> None:
    """A private channel to which nobody invited the bot."""
    workspace = slack.workspace
    workspace.add_channel(Channel("C0SECRET01", "secret", "private_channel", {"U0ALICE001"}))


def archive(slack: LocalSlack) -> None:
    slack.workspace.find_channel("ops").archived = True


def leave(slack: LocalSlack) -> None:
    workspace = slack.workspace
    workspace.find_channel("ops").members.discard(workspace.app.user_id)


def guest(slack: LocalSlack) -> None:
    slack.workspace.people["U0EVE00001"].is_guest = True


def gone(slack: LocalSlack) -> None:
    slack.workspace.people["U0EVE00001"].deleted = True


def empty_group(slack: LocalSlack) -> None:
    slack.workspace.groups["S0NIGHT001"] = UserGroup("S0NIGHT001", "night", "Night shift")


@asynccontextmanager
async def workspace_without_groups(bench: Bench) -> AsyncIterator[Scene]:
    """They are part of Slack's paid plans."""
    bench.slack.workspace.groups.clear()
    file = bench.config()
    file.write_text(file.read_text().replace('"@admins"', "U0CAROL001"))
    yield Scene(bench.directory, bench.env)


DAILY = "checklists: {daily: {title: Daily, channel: %s, items: [Look]}}"

MISTAKES = [
    Mistake(
        "Opsbell is not in the channel",
        slack_is(leave),
        "slack.channels.ops: Opsbell is not in #ops. Type there: /invite @opsbell",
    ),
    Mistake(
        "a channel that does not exist",
        slack_is(as_it_is, DAILY % "opps"),
        "checklists.daily.channel: There is no channel #opps that Opsbell can see (did you mean"
        " ops?). Correct the name, or type /invite @opsbell in it if it is private.",
    ),
    Mistake(
        "a private channel",
        slack_is(add_channel, DAILY % "secret"),
        "checklists.daily.channel: There is no channel #secret that Opsbell can see."
        " Correct the name, or type /invite @opsbell in it if it is private.",
    ),
    Mistake(
        "an archived channel",
        slack_is(archive),
        "slack.channels.ops: #ops is archived. Unarchive it in Slack, or name another channel.",
    ),
    Mistake(
        "a group that does not exist",
        roles('["@opps"]'),
        "roles.operator: There is no user group @opps (did you mean @ops?). Correct the handle,"
        f" or name people by their member IDs ({MEMBER_ID}).",
    ),
    Mistake(
        "a workspace without groups",
        workspace_without_groups,
        "roles.operator: There is no user group @ops: this workspace has none."
        f" Name people by their member IDs ({MEMBER_ID}).",
    ),
    Mistake(
        "a person's handle for a group's",
        roles('["@alice"]'),
        "roles.operator: @alice is a person, and only groups are named by handle."
        " Write U0ALICE001 instead.",
    ),
    Mistake(
        "an empty group",
        roles('["@night"]', change=empty_group),
        "roles.operator: The user group @night has no members."
        " Add people to it in Slack, under People & user groups.",
    ),
    Mistake(
        "a person of another workspace's ID",
        roles("[U0NOBODY01]"),
        f"roles.operator: Sample has no person U0NOBODY01. Copy the ID again: {MEMBER_ID}.",
    ),
    Mistake(
        "a person who left",
        roles("[U0EVE00001]", change=gone),
        "roles.operator: U0EVE00001 (@eve) is deactivated."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "a guest",
        roles("[U0EVE00001]", change=guest),
        "roles.operator: U0EVE00001 (@eve) is a guest."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "the bot itself",
        roles("[U0BOT00001]"),
        "roles.operator: U0BOT00001 (@opsbell) is a bot."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "nobody else to approve",
        roles("[U0EVE00001]", "access: {restore: {role: operator, approvals: 1}}"),
        "access.restore: /restore asks for 1 approval by others with the role operator, which"
        " 1 person has. Add people to roles.operator, or lower access.restore.approvals.",
        status=0,
        sign="⚠️ warning",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_check(mistake: Mistake[Bench], bench: Bench) -> None:
    await prove(mistake, bench)
