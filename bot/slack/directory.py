"""Looking members of the workspace up by the names that people know them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.slack.client import SlackClient, SlackRefused, slack_errors


@dataclass(frozen=True)
class PersonFound:
    """A full member of the workspace."""

    id: str
    handle: str
    name: str


async def person_with_id(client: SlackClient, user: str) -> PersonFound | None:
    """The person with this ID; None where there is none, or none who works here.

    Raises what `slack_errors` raises.
    """
    try:
        with slack_errors("users.info"):
            answer = await client.users_info(user=user)
    except SlackRefused as refusal:
        if refusal.code == "user_not_found":
            return None
        raise
    member: dict[str, Any] = answer["user"]
    return _person(member) if _is_at_work(member) else None


async def people_called(client: SlackClient, name: str) -> list[PersonFound]:
    """Who has this handle, display name or full name; capitals do not matter.

    Bots, guests and deactivated people are left out. Raises what `slack_errors` raises.
    """
    wanted = name.removeprefix("@").casefold()
    found: list[PersonFound] = []
    with slack_errors("users.list"):
        async for page in await client.users_list(limit=200):
            found += [_person(each) for each in page["members"] if _is_called(each, wanted)]
    return found


def _is_called(member: dict[str, Any], wanted: str) -> bool:
    if not _is_at_work(member):
        return False
    profile = member.get("profile") or {}
    names = (
        member.get("name"),
        profile.get("display_name"),
        profile.get("real_name"),
    )
    return wanted in {str(each).casefold() for each in names if each}


def _is_at_work(member: dict[str, Any]) -> bool:
    return not any(map(member.get, ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")))


def _person(member: dict[str, Any]) -> PersonFound:
    profile = member.get("profile") or {}
    real = profile.get("real_name") or member.get("real_name") or member.get("name")
    return PersonFound(member["id"], str(member.get("name") or ""), str(real or ""))
