"""The channels that the configuration names: there, open, and Opsbell in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.config.settings import Settings
from bot.config.words import nearest
from bot.doctor.model import Finding, well, wrong
from bot.slack import survey
from bot.slack.client import SlackClient
from bot.slack.installation import Identity
from bot.slack.survey import ChannelSeen
from bot.words import count, join

AREA = "Slack"
_ID = re.compile(r"[CDG][A-Z0-9]{6,}")


async def findings(settings: Settings, client: SlackClient, identity: Identity) -> list[Finding]:
    """One finding for each channel that is not as it must be, and one for all others."""
    places = dict(_places(settings))
    seen = await survey.channels(client, own=True)
    if any(not _matches(channel, seen) for channel in places):
        seen = await survey.channels(client, own=False)
    found: list[Finding] = []
    sound: list[str] = []
    for channel, (place, posts) in places.items():
        matches = _matches(channel, seen) or await _by_id(client, channel)
        trouble = _trouble(channel, matches, seen, identity, posts=posts)
        if trouble:
            found.append(wrong(AREA, place, *trouble))
        else:
            sound.append(f"#{matches[0].name}")
    if sound:
        them = "it" if len(sound) == 1 else "them"
        names = sorted(set(sound))
        says = f"{join(names)}: Opsbell is in {them}."
        found.insert(0, well(AREA, count(len(names), "channel"), says))
    return found


def _places(settings: Settings) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Channel → the first place that names it, and whether Opsbell posts there.

    Of `slack.channels`, those that nothing uses and nobody wrote down are left out.
    """
    slack = settings.slack
    named: dict[str, tuple[str, bool]] = {}

    def name(channel: str, place: str, *, posts: bool = True) -> None:
        key = channel if channel in type(slack.channels).model_fields else ""
        place = f"slack.channels.{key}" if key else place
        named.setdefault(slack.channel(channel).removeprefix("#"), (place, posts))

    for key in ("ops", *slack.channels.model_fields_set):
        name(key, f"slack.channels.{key}")
    for title, checklist in settings.checklists.items():
        name(checklist.channel, f"checklists.{title}.channel")
    for title, monitor in settings.monitors.items():
        name(monitor.channel, f"monitors.{title}.channel")
    for title, target in settings.targets.items():
        for channel in target.channels:
            name(channel, f"targets.{title}.channels", posts=False)
    yield from named.items()


def _matches(channel: str, seen: Sequence[ChannelSeen]) -> list[ChannelSeen]:
    return [each for each in seen if channel in (each.name, each.id)]


async def _by_id(client: SlackClient, channel: str) -> list[ChannelSeen]:
    if not _ID.fullmatch(channel):
        return []
    found = await survey.channel_with_id(client, channel)
    return [found] if found else []


def _trouble(
    channel: str,
    matches: list[ChannelSeen],
    seen: Sequence[ChannelSeen],
    identity: Identity,
    *,
    posts: bool,
) -> tuple[str, str] | None:
    """What is wrong with a channel and what to do, None where all is well."""
    invite = f"/invite @{identity.bot_name}"
    if not matches:
        like = nearest(channel.lower(), [each.name for each in seen if not each.is_archived])
        shown = channel if _ID.fullmatch(channel) else f"#{channel}"
        says = f"There is no channel {shown} that Opsbell can see{like}."
        return says, f"Correct the name, or type {invite} in it if it is private."
    if len(matches) > 1:
        ids = join([each.id for each in matches], "or")
        return f"{len(matches)} channels are called #{channel}.", f"Write {ids} instead."
    [match] = matches
    if match.is_archived:
        return f"#{match.name} is archived.", "Unarchive it in Slack, or name another channel."
    if posts and not match.is_member:
        return f"Opsbell is not in #{match.name}.", f"Type there: {invite}"
    return None
