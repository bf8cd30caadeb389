"""Who may do what: the decision alone, and what Slack says of people and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.config.access import AccessRule
from bot.playground import LocalSlack, Person, Workspace
from bot.slack.client import open_session, web_client
from bot.slack.people import REFRESH, RETRY, TRUST, Decision, People, Roles, decide, is_full_member

ALICE, BOB, CAROL, EVE = "U0ALICE001", "U0BOB00001", "U0CAROL001", "U0EVE00001"
ROLES = Roles(
    holders={"operator": frozenset({BOB, ALICE}), "admin": frozenset()},
    unknown=frozenset({"oncall"}),
    members=frozenset({EVE}),
)


@pytest.mark.parametrize(
    ("role", "user", "decision"),
    [
        ("operator", ALICE, Decision(True, "operator", (ALICE, BOB))),
        ("operator", EVE, Decision(False, "operator", (ALICE, BOB))),
        ("operator", "", Decision(False, "operator", (ALICE, BOB))),
        ("admin", ALICE, Decision(False, "admin")),
        ("never-configured", ALICE, Decision(False, "never-configured")),
        ("oncall", ALICE, Decision(False, "oncall", known=False)),
        ("anyone", EVE, Decision(True, "anyone")),
        ("anyone", ALICE, Decision(True, "anyone")),
        ("anyone", CAROL, Decision(False, "anyone")),
    ],
)
def test_decide(role: str, user: str, decision: Decision) -> None:
    assert decide(AccessRule(role=role), ROLES, user) == decision


class Clock:
    """Seconds that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


CONFIGURED = {
    "operator": ("@ops",),
    "admin": ("S0ADMINS01", CAROL),
    "mixed": ("@ops", EVE),
    "nobody": ("@no-such-group",),
    "gone": ("S0GONE0001",),
}


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.sample()


@pytest.fixture
async def slack(workspace: Workspace) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(workspace, rate_limits=False) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def people(slack: LocalSlack, clock: Clock) -> AsyncIterator[People]:
    async with open_session() as session:
        client = web_client(session, slack.bot_token, slack.api_url)
        yield People(client, CONFIGURED, clock=clock)


async def may(people: People, user: str, role: str) -> bool:
    return decide(AccessRule(role=role), await people.roles_for(user), user).allowed


async def test_roles_come_from_handles_group_ids_and_user_ids(people: People) -> None:
    assert await may(people, ALICE, "operator")
    assert not await may(people, CAROL, "operator")
    assert await may(people, CAROL, "admin")
    assert await may(people, "U0DAN00001", "admin")
    assert await may(people, EVE, "mixed")
    assert not await may(people, ALICE, "nobody")


async def test_a_group_that_does_not_exist_has_nobody(people: People) -> None:
    decision = decide(AccessRule(role="nobody"), await people.roles_for(ALICE), ALICE)
    assert decision == Decision(False, "nobody", known=True)


async def test_a_group_that_was_deleted_has_nobody_and_costs_no_other_its_role(
    people: People,
) -> None:
    gone = decide(AccessRule(role="gone"), await people.roles_for(ALICE), ALICE)
    assert gone == Decision(False, "gone", known=True)
    assert await may(people, ALICE, "operator")


async def test_groups_are_asked_for_again_after_a_while(
    people: People, workspace: Workspace, slack: LocalSlack
) -> None:
    assert not await may(people, EVE, "operator")
    workspace.groups["S0OPS00001"].members.append(EVE)
    assert not await may(people, EVE, "operator")
    await people.refresh()
    assert await may(people, EVE, "operator")


async def test_a_group_made_later_is_found_soon(
    people: People, workspace: Workspace, clock: Clock
) -> None:
    assert not await may(people, ALICE, "nobody")
    workspace.groups["S0OPS00001"].handle = "no-such-group"
    assert not await may(people, ALICE, "nobody")
    clock.now += RETRY.total_seconds()
    assert await may(people, ALICE, "nobody")


async def test_what_slack_said_is_kept_for_an_hour_and_no_longer(
    people: People, slack: LocalSlack, clock: Clock
) -> None:
    assert await may(people, ALICE, "operator")
    await slack.faults.away()
    clock.now += TRUST.total_seconds() - 1
    await people.refresh()
    assert await may(people, ALICE, "operator")
    clock.now += 2
    decision = decide(AccessRule(role="operator"), await people.roles_for(ALICE), ALICE)
    assert decision == Decision(False, "operator", known=False)
    # A user ID in the configuration needs nobody to vouch for it.
    assert await may(people, CAROL, "admin")


async def test_nobody_has_a_group_s_role_before_slack_was_ever_reached(
    people: People, slack: LocalSlack
) -> None:
    await slack.faults.away()
    decision = decide(AccessRule(role="operator"), await people.roles_for(ALICE), ALICE)
    assert decision == Decision(False, "operator", known=False)


async def test_groups_that_slack_forgets_fail_closed(people: People, slack: LocalSlack) -> None:
    slack.faults.forget_user_groups()
    assert not await may(people, ALICE, "operator")
    assert await may(people, EVE, "anyone")


async def test_anyone_is_a_member_and_no_bot_and_not_deactivated(
    people: People, workspace: Workspace, clock: Clock
) -> None:
    assert await may(people, "U0DAN00001", "anyone")
    assert not await may(people, workspace.app.user_id, "anyone")
    assert not await may(people, "U0NOBODY01", "anyone")
    workspace.people["U0LEFT0001"] = Person("U0LEFT0001", "left", "Left", deleted=True)
    assert not await may(people, "U0LEFT0001", "anyone")


async def test_who_left_is_noticed(people: People, workspace: Workspace, clock: Clock) -> None:
    workspace.people["U0FAY00001"] = Person("U0FAY00001", "fay", "Fay")
    assert await may(people, "U0FAY00001", "anyone")
    workspace.people["U0FAY00001"].deleted = True
    clock.now += REFRESH.total_seconds()
    assert not await may(people, "U0FAY00001", "anyone")


@pytest.mark.parametrize("standing", ["deactivated", "a guest", "gone"])
async def test_who_is_named_and_no_full_member_any_more_has_no_role(
    people: People,
    workspace: Workspace,
    slack: LocalSlack,
    clock: Clock,
    standing: str,
) -> None:
    async def holders() -> frozenset[str]:
        clock.now += REFRESH.total_seconds()
        await people.refresh()
        return (await people.roles_for(ALICE)).holders["mixed"]

    assert await holders() == {ALICE, BOB, EVE}
    eve = workspace.people.pop(EVE)
    if standing != "gone":
        deleted, guest = standing == "deactivated", standing == "a guest"
        workspace.people[EVE] = replace(eve, deleted=deleted, is_guest=guest)
    assert await holders() == {ALICE, BOB}
    assert not await may(people, EVE, "mixed")
    await slack.faults.away()
    assert await holders() == {ALICE, BOB}
    await slack.faults.back()
    workspace.people[EVE] = eve
    assert await holders() == {ALICE, BOB, EVE}


async def test_strangers_are_not_let_in_while_slack_is_away(
    people: People, slack: LocalSlack
) -> None:
    await slack.faults.away()
    decision = decide(AccessRule(role="anyone"), await people.roles_for("U0NEW00001"), "U0NEW00001")
    assert decision == Decision(False, "anyone", known=False)


@pytest.mark.parametrize(
    ("profile", "full"),
    [
        ({"team_id": "T1"}, True),
        ({"team_id": "T1", "is_app_user": True, "is_admin": True}, True),
        ({"team_id": "T2"}, False),
        ({}, False),
        ({"team_id": "T1", "deleted": True}, False),
        ({"team_id": "T1", "is_bot": True}, False),
        ({"team_id": "T1", "is_restricted": True}, False),
        ({"team_id": "T1", "is_ultra_restricted": True}, False),
        ({"team_id": "T1", "is_stranger": True}, False),
    ],
)
def test_who_is_a_full_member(profile: dict[str, object], full: bool) -> None:
    assert is_full_member(profile, "T1") is full
