"""Slack: the app's credentials, what it may do, and what of the workspace is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

from bot.config.environment import (
    SLACK_API_URL,
    missing_secret,
    needed_secrets,
    slack_secret,
)
from bot.config.errors import ConfigurationError
from bot.config.tokens import is_signing_secret
from bot.doctor import slack_channels, slack_roles
from bot.doctor.model import Finding, beware, unseen, well, wrong
from bot.doctor.patient import Patient
from bot.errors import OpsbellError
from bot.slack.client import SlackClient, SlackRefused, open_session, web_client
from bot.slack.installation import APP, BOT, Identity, Misinstalled, bot_app, identify, socket_app
from bot.slack.manifest import SCOPES
from bot.words import duration, join, utc_now

AREA = "Slack"
SIGNING = "SLACK_SIGNING_SECRET"
# Slack's signatures hold for five minutes; both sides' clocks are in them.
WORST_SKEW = timedelta(minutes=4)
NOTABLE_SKEW = timedelta(seconds=60)


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """The credentials, the app, then channels and roles as far as the app may see them."""
    mode = patient.settings.slack.mode
    secrets: dict[str, str] = {}
    for name in needed_secrets(mode):
        try:
            secret = slack_secret(patient.environ, name)
            if secret is None:
                raise missing_secret(name)
        except ConfigurationError as error:
            for problem in error.problems:
                says, todo = f"Found {problem.found}.", f"Set it to {problem.expected}."
                yield wrong(AREA, problem.path, says, todo)
        else:
            secrets[name] = secret.reveal()
    if SIGNING in secrets:
        yield _signing_secret(secrets[SIGNING])
    if BOT not in secrets:
        yield unseen(AREA, "Workspace", f"Without the {BOT} Slack says nothing.")
        return
    api_url = patient.environ.get("SLACK_API_URL") or SLACK_API_URL
    async with open_session() as session:
        client = web_client(session, secrets[BOT], api_url)
        async for finding in _workspace(patient, client, secrets.get(APP, "")):
            yield finding


async def _workspace(
    patient: Patient, client: SlackClient, app_token: str
) -> AsyncIterator[Finding]:
    try:
        identity = await identify(client)
    except OpsbellError as error:
        subject = BOT if isinstance(error, Misinstalled) else "Slack"
        yield wrong(AREA, subject, error.message, error.hint or "Try again in a minute.")
        return
    yield well(AREA, BOT, f"Opsbell is @{identity.bot_name} in {identity.team}.")
    lacking = SCOPES.keys() - identity.scopes
    yield _scopes(sorted(lacking), len(identity.scopes))
    if app_token:
        yield await _socket(client, app_token, identity)
    for finding in clock(identity.at, utc_now(), patient.settings.slack.mode):
        yield finding
    if not lacking & {"channels:read", "groups:read"}:
        for finding in await slack_channels.findings(patient.settings, client, identity):
            yield finding
    if not lacking & {"users:read", "usergroups:read"}:
        for finding in await slack_roles.findings(patient.settings, client, identity):
            yield finding


def _signing_secret(text: str) -> Finding:
    if is_signing_secret(text):
        return well(AREA, SIGNING, "It has the form of one.")
    says = "It has not the 32 hex digits of a signing secret."
    todo = "Copy it again from Basic Information, App Credentials in the app's settings."
    return wrong(AREA, SIGNING, says, todo)


def _scopes(lacking: list[str], granted: int) -> Finding:
    if not lacking:
        return well(AREA, "Scopes", f"The app has all {len(SCOPES)} that it needs.")
    reason = f" ({SCOPES[lacking[0]]})" if len(lacking) == 1 else ""
    noun = "scope" if len(lacking) == 1 else "scopes"
    says = f"The app lacks the {noun} {join(lacking)}{reason}."
    if not granted:
        says = "The app has no scopes at all."
    todo = (
        "Add what is missing under OAuth & Permissions, Bot Token Scopes in the app's settings,"
        " then install it again."
    )
    return wrong(AREA, "Scopes", says, todo)


async def _socket(client: SlackClient, app_token: str, identity: Identity) -> Finding:
    """Whether the app-level token opens connections, of the very app that the bot belongs to."""
    try:
        app = await socket_app(client, app_token)
    except OpsbellError as error:
        return wrong(AREA, APP, error.message, error.hint or "Try again in a minute.")
    try:
        own = await bot_app(client, identity.bot_id)
    except SlackRefused:
        own = app  # without users:read, which is told above
    if app != own:
        says = f"The {APP} is of another Slack app ({app}) than the {BOT} ({own})."
        return wrong(AREA, APP, says, "Copy both from the settings of the same app.")
    return well(AREA, APP, "It opens Socket Mode connections.")


def clock(slack: datetime | None, here: datetime, mode: str) -> Iterable[Finding]:
    """How far this machine's clock is off Slack's: signatures carry the time."""
    if slack is None:
        return
    skew = here - slack
    side = "ahead of" if skew > timedelta() else "behind"
    says = f"This machine's clock is {duration(abs(skew))} {side} Slack's."
    todo = "Let NTP set it: timedatectl set-ntp true"
    if mode == "http" and abs(skew) > WORST_SKEW:
        yield wrong(AREA, "Clock", f"{says} Slack's requests are refused by their age.", todo)
    elif abs(skew) > NOTABLE_SKEW:
        yield beware(AREA, "Clock", says, todo)
