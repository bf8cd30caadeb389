"""The Slack app as it is installed: whether it can work at all, and what it may do.

Codes that no later call will be spared are told from those that pass: `Misinstalled` names what
a person must change in the app's settings or in Opsbell's environment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

from bot.errors import Failed
from bot.slack.client import SlackClient, SlackRefused, slack_errors

BOT, APP = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"

_SETTINGS = {
    BOT: "OAuth & Permissions",
    APP: "Basic Information, App-Level Tokens",
}
# Fewer characters than any token of that kind has been seen with.
_SHORT = {BOT: 50, APP: 80}
_UNKNOWN = {"invalid_auth", "not_authed"}
_GONE = {"token_revoked": "was revoked", "account_inactive": "is of an app that was removed"}


class Misinstalled(Failed):
    """The Slack app is not set up so that Opsbell can work; waiting does not help."""


@dataclass(frozen=True)
class Identity:
    """Who Opsbell is in its workspace.

    `scopes` are those granted, empty where Slack did not say; `at` is Slack's clock, as the
    answer's Date says, to the second.
    """

    bot_user: str
    bot_id: str
    bot_name: str
    team_id: str
    team: str
    url: str
    scopes: frozenset[str] = frozenset()
    at: datetime | None = None


async def identify(client: SlackClient) -> Identity:
    """Asks Slack who Opsbell is. Raises Misinstalled, and what `slack_errors` raises."""
    with refusals(BOT, client.token or ""), slack_errors("auth.test"):
        answer = await client.auth_test()
    if not answer.get("bot_id"):
        raise Misinstalled(
            f"The {BOT} is a person's, not a bot's.",
            hint=f"Copy it again from {_SETTINGS[BOT]} in the app's settings.",
        )
    return Identity(
        bot_user=answer["user_id"],
        bot_id=answer["bot_id"],
        bot_name=answer["user"],
        team_id=answer["team_id"],
        team=answer["team"],
        url=answer["url"],
        scopes=_scopes(answer.headers),
        at=_date(answer.headers),
    )


async def socket_app(client: SlackClient, app_token: str) -> str:
    """The ID of the app whose connection the app-level token opens; none is opened by asking.

    Raises Misinstalled, and what `slack_errors` raises.
    """
    with refusals(APP, app_token), slack_errors("apps.connections.open"):
        answer = await client.apps_connections_open(app_token=app_token)
    return parse_qs(urlsplit(str(answer["url"])).query).get("app_id", [""])[0]


async def bot_app(client: SlackClient, bot_id: str) -> str:
    """The ID of the app that a bot belongs to. Raises what `slack_errors` raises."""
    with slack_errors("bots.info"):
        answer = await client.bots_info(bot=bot_id)
    return str(answer["bot"].get("app_id", ""))


@contextlib.contextmanager
def refusals(name: str, token: str) -> Iterator[None]:
    """Raises Misinstalled for a refusal of the token in `name` that no waiting will change.

    Stands around `slack_errors`.
    """
    try:
        yield
    except SlackRefused as error:
        if told := _explained(name, token, error):
            says, todo = told
            raise Misinstalled(says, hint=todo) from error
        raise


def _explained(name: str, token: str, error: SlackRefused) -> tuple[str, str] | None:
    """What a refusal means and what to do, None where it may pass."""
    place = f"{_SETTINGS[name]} in the app's settings"
    if error.code in _UNKNOWN:
        short = len(token) < _SHORT[name]
        length = f"; with {len(token)} characters it looks cut short" if short else ""
        return f"Slack does not know the {name}{length}.", f"Copy it again from {place}."
    if error.code in _GONE:
        again = "Install the app again and copy the new one" if name == BOT else "Make a new one"
        return f"The {name} {_GONE[error.code]}.", f"{again}: {place}."
    if error.code == "token_expired":
        says = f"The {name} has expired: its app rotates tokens."
        return says, "Make a new app from `opsbell manifest`, without token rotation."
    if error.code == "not_allowed_token_type":
        return f"The {name} is a token of another kind.", f"Copy it from {place}."
    if error.code == "missing_scope" and name == APP:
        says = f"The {name} lacks the scope connections:write."
        return says, f"Make a new one with that scope: {place}."
    return None


def _scopes(headers: Mapping[str, str]) -> frozenset[str]:
    listed = headers.get("x-oauth-scopes", "")
    return frozenset(filter(None, map(str.strip, listed.split(","))))


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError):
        return None
