"""What the doctor says of Slack where no newcomer's mistake shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.load import load
from bot.config.settings import Settings
from bot.doctor import slack as area
from bot.doctor import slack_channels, slack_roles
from bot.doctor.model import Finding
from bot.playground import Channel, LocalSlack
from bot.slack.client import SlackClient, open_session, web_client
from bot.slack.installation import Identity, identify

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as opened:
        yield opened


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncIterator[SlackClient]:
    async with open_session() as session:
        yield web_client(session, slack.bot_token, slack.api_url)


def settings(directory: Path, text: str) -> Settings:
    path = directory / "opsbell.yaml"
    path.write_text(text)
    return load(path, {})


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(str(each.sign), each.subject, each.says) for each in findings]


async def channels(client: SlackClient, configured: Settings) -> list[tuple[str, str, str]]:
    who = await identify(client)
    return told(await slack_channels.findings(configured, client, who))


async def test_two_channels_of_one_name_are_told_apart_by_id(
    slack: LocalSlack, client: SlackClient, tmp_path: Path
) -> None:
    """A channel shared by another workspace may bear a name that this one has too."""
    bot = slack.workspace.app.user_id
    slack.workspace.channels["C0SHARED01"] = Channel("C0SHARED01", "ops", members={bot})
    assert await channels(client, settings(tmp_path, "timezone: UTC")) == [
        ("🔴", "slack.channels.ops", "2 channels are called #ops.")
    ]
    by_id = settings(tmp_path, "slack: {channels: {ops: C0SHARED01}}")
    assert await channels(client, by_id) == [("✅", "1 channel", "#ops: Opsbell is in it.")]


async def test_an_id_that_slack_does_not_show(client: SlackClient, tmp_path: Path) -> None:
    unknown = settings(tmp_path, "slack: {channels: {ops: C0NOWHERE1}}")
    assert await channels(client, unknown) == [
        ("🔴", "slack.channels.ops", "There is no channel C0NOWHERE1 that Opsbell can see.")
    ]


async def test_channels_that_nobody_wrote_down_are_not_asked_for(
    slack: LocalSlack, client: SlackClient, tmp_path: Path
) -> None:
    for name in ("alerts", "incidents", "support"):
        slack.workspace.find_channel(name).members.clear()
    told_of = await channels(client, settings(tmp_path, "timezone: UTC"))
    assert told_of == [("✅", "1 channel", "#ops: Opsbell is in it.")]


async def test_a_channel_on_a_late_page_is_found(
    slack: LocalSlack, client: SlackClient, tmp_path: Path
) -> None:
    for number in range(1200):
        slack.workspace.add_channel(Channel(f"C0MANY{number:05}", f"many-{number}"))
    late = settings(tmp_path, "slack: {channels: {ops: many-1199}}")
    assert await channels(client, late) == [
        ("🔴", "slack.channels.ops", "Opsbell is not in #many-1199.")
    ]


async def test_people_outside_of_roles_are_looked_up_too(
    client: SlackClient, tmp_path: Path
) -> None:
    configured = settings(
        tmp_path,
        "roles: {operator: ['@ops'], admin: ['@admins']}\n"
        "oncall:\n"
        "  rotation: {people: [U0ALICE001, U0NOBODY01], handover: '0 9 * * mon'}\n"
        "  escalation: [{after: 0m, notify: oncall}, {after: 5m, notify: '@nights'}]\n",
    )
    who = await identify(client)
    found = told(await slack_roles.findings(configured, client, who))
    assert found == [
        ("🔴", "oncall.rotation.people", "Sample has no person U0NOBODY01."),
        ("🔴", "oncall.escalation[1].notify", "There is no user group @nights."),
        ("✅", "roles.operator", "2 people."),
        ("✅", "roles.admin", "2 people."),
    ]


async def test_runbooks_that_nobody_could_approve(
    slack: LocalSlack, client: SlackClient, tmp_path: Path
) -> None:
    configured = settings(
        tmp_path,
        "roles: {operator: ['@ops'], admin: [U0ALICE001]}\n"
        "access: {runbook: {approvals: 2}, restore: {approvals: 3}}\n"
        "targets: {shop: {runtime: host, directory: d, config: [a]}}\n"
        "backups: {shop: {include: [config], store: {directory: b}}}\n"
        "runbooks:\n"
        "  back: {title: Go back, target: shop, steps: [{restore: {}}]}\n"
        "  tidy: {title: Tidy up, role: operator, steps: [{note: n}]}\n",
    )
    found = await slack_roles.findings(configured, client, await identify(client))
    said = {each.says.partition(" asks")[0]: (each.says, each.todo) for each in found}
    assert said["/runbook back"] == (
        "/runbook back asks for 3 approvals by others with the role admin, which 1 person has.",
        "Add people to roles.admin, or lower access.restore.approvals.",
    )
    assert said["/runbook tidy"] == (
        "/runbook tidy asks for 2 approvals by others with the role operator, which 2 people have.",
        "Add people to roles.operator, or lower access.runbook.approvals.",
    )


async def test_who_opsbell_is(slack: LocalSlack, client: SlackClient) -> None:
    found: Identity = await identify(client)
    assert (found.bot_name, found.team) == ("opsbell", "Sample")
    assert found.scopes == slack.workspace.app.scopes
    assert found.at is not None
    assert abs(found.at - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("skew", "mode", "sign"),
    [
        (timedelta(seconds=59), "http", None),
        (timedelta(minutes=3), "http", "⚠️"),
        (timedelta(minutes=-5), "http", "🔴"),
        (timedelta(hours=5), "socket", "⚠️"),
    ],
)
def test_a_clock_matters_most_where_signatures_carry_it(
    skew: timedelta, mode: str, sign: str | None
) -> None:
    found = [str(each.sign) for each in area.clock(NOON, NOON + skew, mode)]
    assert found == ([sign] if sign else [])
