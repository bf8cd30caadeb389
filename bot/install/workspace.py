"""Who the first admin is and where Opsbell speaks, looked up in Slack where a token is there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.config.environment import SlackSecrets
from bot.errors import OpsbellError, UsageError
from bot.slack import survey
from bot.slack.client import SlackClient, open_session, web_client
from bot.slack.directory import people_called, person_with_id
from bot.slack.installation import identify
from bot.words import Sign, join

WHERE_THE_ID_IS = "Slack shows it in your profile: ⋮, Copy member ID."
_USER = re.compile(r"[UW][A-Z0-9]{6,}")
_CHANNEL = re.compile(r"[^\s#@!<>,.;:\"'`(){}\[\]A-Z]{1,80}|[CG][A-Z0-9]{6,}")


@dataclass(frozen=True)
class Known:
    """What was settled, and how it is told."""

    value: str
    says: str
    sign: Sign = Sign.DONE


async def admin_called(secrets: SlackSecrets, text: str) -> Known:
    """The person with this ID or name. Raises UsageError where that is nobody or not clear.

    Without a bot token, an ID is taken as it is.
    """
    name = text.removeprefix("<").removesuffix(">").removeprefix("@")
    is_id = _USER.fullmatch(name) is not None
    if not secrets.bot_token.reveal():
        if not is_id:
            raise UsageError(
                f'"{text}" is no Slack user ID (U…), and names are looked up only with'
                " SLACK_BOT_TOKEN set.",
                hint=WHERE_THE_ID_IS,
            )
        return Known(name, f"{name}, not looked up without SLACK_BOT_TOKEN", Sign.UNKNOWN)
    try:
        async with _client(secrets) as client:
            if is_id:
                found = await person_with_id(client, name)
                people = [found] if found else []
            else:
                people = await people_called(client, name)
    except OpsbellError as error:
        if is_id:
            return Known(name, f"{name}, not looked up. {error}", Sign.WARNING)
        raise UsageError(
            f"{text} was not looked up. {error.message}", hint=f"Give the ID. {WHERE_THE_ID_IS}"
        ) from error
    if not people:
        raise UsageError(f'Slack knows no member "{text}".', hint=WHERE_THE_ID_IS)
    if len(people) > 1:
        several = join([f"{each.name} ({each.id})" for each in people[:5]])
        raise UsageError(f'Several people are called "{text}": {several}.', hint="Give the ID.")
    [person] = people
    return Known(person.id, f"{person.name} ({person.id})")


async def channel_named(secrets: SlackSecrets, text: str) -> Known:
    """A channel to speak in; told is what is still to be done for it. Raises UsageError."""
    name = text.removeprefix("#")
    if not _CHANNEL.fullmatch(name):
        raise UsageError(f'"{text}" is no name of a channel.', hint="They are like ops or ops-web.")
    if not secrets.bot_token.reveal():
        return Known(name, f"#{name}, not looked up without SLACK_BOT_TOKEN", Sign.UNKNOWN)
    try:
        async with _client(secrets) as client:
            bot = (await identify(client)).bot_name
            seen = await survey.channels(client, own=False)
    except OpsbellError as error:
        return Known(name, f"#{name}, not looked up. {error}", Sign.WARNING)
    found = next((each for each in seen if name in (each.name, each.id)), None)
    if found is None:
        todo = f"Make it, and type /invite @{bot} in it; where it is private, invite alone."
        return Known(name, f"Slack shows Opsbell no channel #{name}. {todo}", Sign.WARNING)
    if found.is_archived:
        says = f"#{found.name} is archived. Unarchive it, or name another."
        return Known(name, says, Sign.WARNING)
    if not found.is_member:
        says = f"Opsbell is not in #{found.name} yet. Type /invite @{bot} there."
        return Known(name, says, Sign.WARNING)
    return Known(name, f"#{found.name}")


@asynccontextmanager
async def _client(secrets: SlackSecrets) -> AsyncIterator[SlackClient]:
    async with open_session() as session:
        yield web_client(session, secrets.bot_token.reveal(), secrets.api_url)
