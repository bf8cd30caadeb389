"""Looking members of the workspace up by the names that people know them by."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import OpsbellError
from bot.slack.client import SlackClient, slack_errors
from bot.slack.installation import identify
from bot.slack.people import is_full_member
from bot.slack.survey import full_name, person

NAMES_LIMIT = 3.0
"""Seconds after which people are called by their IDs, where Slack does not answer."""


@dataclass(frozen=True)
class PersonFound:
    """A full member of the workspace."""

    id: str
    handle: str
    name: str


async def person_with_id(client: SlackClient, user: str) -> PersonFound | None:
    """The person with this ID; None where there is none, or no full member of the workspace.

    Raises what `identify` raises.
    """
    seen = await person(client, user, (await identify(client)).team_id)
    return PersonFound(seen.id, seen.handle, seen.name) if seen and not seen.standing else None


async def names_of(
    client: SlackClient, users: Iterable[str], limit: float = NAMES_LIMIT
) -> dict[str, str]:
    """The names of people by their IDs, of those too who have left, as far as Slack says them
    within `limit` seconds. Never raises."""
    names: dict[str, str] = {}

    async def look(user: str) -> None:
        with contextlib.suppress(OpsbellError):
            if found := await person(client, user, team=""):
                names[user] = found.name or found.handle

    if client.token:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await asyncio.gather(*map(look, set(users)))
    return names


async def people_called(client: SlackClient, name: str) -> list[PersonFound]:
    """The full members of the workspace who have this handle, display name or full name.

    Capitals do not matter. Raises what `identify` raises.
    """
    team = (await identify(client)).team_id
    wanted = name.removeprefix("@").casefold()
    found: list[PersonFound] = []
    with slack_errors("users.list"):
        async for page in await client.users_list(limit=200):
            members = [each for each in page["members"] if is_full_member(each, team)]
            found += [_person(each) for each in members if wanted in _names(each)]
    return found


def _names(member: Mapping[str, Any]) -> set[str]:
    profile = member.get("profile") or {}
    names = (member.get("name"), profile.get("display_name"), profile.get("real_name"))
    return {str(each).casefold() for each in names if each}


def _person(member: Mapping[str, Any]) -> PersonFound:
    return PersonFound(member["id"], str(member.get("name") or ""), full_name(member))
