"""Who is who, and who may do what. A person is a Slack user ID and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.access import ANYONE, AccessRule
from bot.errors import OpsbellError
from bot.slack.client import SlackRefused, slack_errors

logger = logging.getLogger(__name__)

REFRESH = timedelta(minutes=5)
# What Slack said last is relied on this long while Slack is away.
TRUST = timedelta(hours=1)
# How soon a handle that Slack did not know is asked for again.
RETRY = timedelta(seconds=15)
# A person waits for this answer.
LOOKUP_LIMIT = timedelta(seconds=5)
_MOST_PROFILES = 10_000
_NO_GROUP = "no_such_subteam"
_NOBODY = {"user_not_found", "user_not_visible"}

# What keeps someone in users.info from having a role, in the order in which it is told.
OUTSIDE: Mapping[str, str] = {
    "deleted": "deactivated",
    "is_bot": "a bot",
    "is_restricted": "a guest",
    "is_ultra_restricted": "a guest",
    "is_stranger": "of another workspace",
}

Clock = Callable[[], float]


@dataclass(frozen=True)
class Roles:
    """Who holds which role, as far as is known now.

    `unknown` are roles whose holders Slack could not be asked for; those that are known hold
    them all the same. `members` are people known to be full members of the workspace.
    """

    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """Whether someone may, which role it takes, and who has it (sorted user IDs).

    `known` is False where it was refused because Slack does not say who has the role.
    """

    allowed: bool
    role: str
    holders: tuple[str, ...] = ()
    known: bool = True


def decide(rule: AccessRule, roles: Roles, user: str) -> Decision:
    """Whether `user` may do what `rule` guards. Whoever is not known to have the role may not."""
    if rule.role == ANYONE:
        allowed = user in roles.members or any(user in each for each in roles.holders.values())
        return Decision(allowed, ANYONE, known=allowed or ANYONE not in roles.unknown)
    holders = roles.holders.get(rule.role, frozenset())
    return Decision(
        allowed=user in holders,
        role=rule.role,
        holders=tuple(sorted(holders)),
        known=user in holders or rule.role not in roles.unknown,
    )


def is_full_member(profile: Mapping[str, Any], team: str) -> bool:
    """Whether a profile of users.info is a person of this workspace: no bot, no guest, not
    deactivated, and nobody from another workspace who is met in a shared channel."""
    return profile.get("team_id") == team and not any(map(profile.get, OUTSIDE))


@dataclass(frozen=True)
class _Known:
    """Something Slack said, and when (monotonic seconds)."""

    value: frozenset[str]
    at: float


class People:
    """What Slack says of people and their groups, remembered for a while.

    `mentioned` are people and groups that are only spoken to: they have no role by that, but
    their handles are known.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        roles: Mapping[str, tuple[str, ...]],
        *,
        mentioned: Iterable[str] = (),
        clock: Clock = time.monotonic,
    ) -> None:
        self._client = client
        self._roles = roles
        self._mentioned = frozenset(mentioned)
        self._clock = clock
        self._team = ""
        self._handles: dict[str, str] = {}
        self._handles_at: float | None = None
        self._learnt_at = -math.inf
        self._groups: dict[str, _Known] = {}
        self._profiles: dict[str, _Known] = {}
        self._outside: set[str] = set()
        self._refreshing = asyncio.Lock()

    async def run(self) -> None:
        """Keeps the groups fresh until cancelled."""
        while True:
            await self.refresh()
            incomplete = self._has_unknown_groups()
            await asyncio.sleep((RETRY if incomplete else REFRESH).total_seconds())

    async def refresh(self) -> None:
        """Asks Slack for the members of the groups in the configuration, and whether the people
        that it names are still full members. Never raises."""
        async with self._refreshing:
            await self._refresh()
        # Nobody waits for this: whom the configuration names has the role until Slack says no.
        await self._look_at_named()

    async def roles_for(self, user: str) -> Roles:
        """Who holds which role, with what is known of `user` personally. Never raises."""
        if self._has_unknown_groups():
            # Behind the lock: at the start, the first refresh may just be under way.
            async with self._refreshing:
                if self._has_unknown_groups() and self._is_due(self._learnt_at, RETRY):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOKUP_LIMIT.total_seconds()):
                            await self._refresh()
        holders: dict[str, frozenset[str]] = {}
        unknown: set[str] = set()
        for role, members in self._roles.items():
            people: set[str] = set()
            for member in members:
                found = self._people_of(member)
                people |= found or set()
                if found is None:
                    unknown.add(role)
            holders[role] = frozenset(people)
        # Whoever has a role is no stranger; anyone else must be looked up to be let in at all.
        if any(user in people for people in holders.values()):
            return Roles(holders, frozenset(unknown), frozenset({user}))
        profile = await self._profile(user)
        if profile is None:
            unknown.add(ANYONE)
        return Roles(holders, frozenset(unknown), profile or frozenset())

    def group_id(self, name: str) -> str | None:
        """The ID of a user group given by handle or ID; None while a handle is not known."""
        return self._handles.get(name) if name.startswith("@") else name

    def _people_of(self, member: str) -> frozenset[str] | None:
        """Whom one entry of a role means; None where Slack did not say (lately enough)."""
        if member[0] not in "@S":
            return frozenset({member} - self._outside)
        group = self.group_id(member)
        if group is None:
            # Slack knows no group of that name; or it was not asked, or too long ago.
            return frozenset() if self._is_fresh(self._handles_at) else None
        known = self._groups.get(group)
        return known.value if known and self._is_fresh(known.at) else None

    async def _profile(self, user: str) -> frozenset[str] | None:
        """{user} for a full member, {} for anyone else; None where Slack does not say."""
        known = self._profiles.get(user)
        if known is None or self._is_due(known.at, REFRESH):
            try:
                known = _Known(await self._membership(user), self._clock())
            except OpsbellError as error:
                logger.warning("person not looked up", extra={"user": user, "error": str(error)})
                if known is None or self._is_due(known.at, TRUST):
                    return None
            else:
                if len(self._profiles) >= _MOST_PROFILES:
                    self._profiles.clear()
                self._profiles[user] = known
        return known.value

    async def _membership(self, user: str) -> frozenset[str]:
        try:
            with slack_errors("users.info"):
                async with asyncio.timeout(LOOKUP_LIMIT.total_seconds()):
                    if not self._team:
                        self._team = str((await self._client.auth_test())["team_id"])
                    profile: dict[str, Any] = (await self._client.users_info(user=user))["user"]
        except SlackRefused as refusal:
            if refusal.code in _NOBODY:
                return frozenset()
            raise
        return frozenset({user}) if is_full_member(profile, self._team) else frozenset()

    async def _look_at_named(self) -> None:
        """Notes who among the people of the configuration is outside: deactivated, or a guest. What
        was known of the others stays where Slack does not say."""
        named = {each for members in self._roles.values() for each in members}
        for user in sorted(each for each in named if each[0] not in "@S"):
            seen = await self._profile(user)
            if seen is None:
                return
            if seen:
                self._outside.discard(user)
            elif user not in self._outside:
                logger.warning("person outside has no role", extra={"user": user})
                self._outside.add(user)

    async def _refresh(self) -> None:
        try:
            await self._refresh_handles()
            for group in self._wanted_groups():
                await self._refresh_group(group)
            self._learnt_at = self._clock()
        except OpsbellError as error:
            logger.warning("groups not refreshed", extra={"error": str(error)})

    async def _refresh_handles(self) -> None:
        if any(name.startswith("@") for name in self._group_names() | self._mentioned):
            with slack_errors("usergroups.list"):
                groups = (await self._client.usergroups_list())["usergroups"]
            self._handles = {f"@{each['handle']}": each["id"] for each in groups}
            self._handles_at = self._clock()

    async def _refresh_group(self, group: str) -> None:
        try:
            with slack_errors("usergroups.users.list"):
                answer = await self._client.usergroups_users_list(usergroup=group)
            users = frozenset(answer["users"])
        except SlackRefused as refusal:
            if refusal.code != _NO_GROUP:
                raise
            logger.warning("no such group", extra={"group": group})
            users = frozenset()
        self._groups[group] = _Known(users, self._clock())

    def _group_names(self) -> set[str]:
        return {each for members in self._roles.values() for each in members if each[0] in "@S"}

    def _wanted_groups(self) -> set[str]:
        return {group for name in self._group_names() if (group := self.group_id(name))}

    def _has_unknown_groups(self) -> bool:
        return any(
            (group := self.group_id(name)) is None or group not in self._groups
            for name in self._group_names()
        )

    def _is_fresh(self, at: float | None) -> bool:
        return at is not None and not self._is_due(at, TRUST)

    def _is_due(self, at: float, after: timedelta) -> bool:
        return self._clock() - at >= after.total_seconds()
