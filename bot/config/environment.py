"""What Opsbell reads from its environment: Slack's secrets and the address of its Web API."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.config.errors import ConfigurationError, Problem
from bot.config.secret import Secret
from bot.config.tokens import WHERE, mistaken

SLACK_API_URL = "https://slack.com/api/"
SLACK_SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")


def read_secret(environ: Mapping[str, str], name: str) -> Secret | None:
    """The secret in `name`, or in the file that `name`_FILE points to; None where neither is set.

    Raises ConfigurationError when both are set or the file cannot be read or is empty. Line ends
    at the file's end do not belong to the secret.
    """
    text, file = environ.get(name), environ.get(f"{name}_FILE")
    if not file:
        return Secret(text) if text else None
    variable = f"{name}_FILE"
    if text:
        raise _unusable(variable, f"both {name} and {variable}", "one of the two")
    try:
        content = Path(file).read_text(encoding="utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise _unusable(variable, f'"{file}" ({reason})', "a file that can be read") from None
    if not content:
        raise _unusable(variable, f'"{file}" (empty)', "a file with the secret in it")
    return Secret(content)


def slack_secret(environ: Mapping[str, str], name: str) -> Secret | None:
    """The secret in `name` or its file, as `read_secret`; also refused where it is another one
    than `name` asks for."""
    secret = read_secret(environ, name)
    if secret and (found := mistaken(name, secret.reveal())):
        raise _unusable(name if environ.get(name) else f"{name}_FILE", *found)
    return secret


def missing_secret(name: str) -> ConfigurationError:
    """That a Slack secret is not there, and where to find it."""
    expected = f"{WHERE[name]}, here or in a file that {name}_FILE names"
    return _unusable(name, "nothing", expected)


def _unusable(variable: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError("environment", [Problem(variable, None, found, expected)])


def needed_secrets(mode: str) -> tuple[str, ...]:
    """The Slack secrets that a mode (``socket`` or ``http``) needs."""
    return ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN" if mode == "socket" else "SLACK_SIGNING_SECRET")


@dataclass(frozen=True, slots=True)
class SlackSecrets:
    """The credentials of the Slack app, and the base URL of its Web API."""

    bot_token: Secret
    app_token: Secret | None
    signing_secret: Secret | None
    api_url: str

    @classmethod
    def read(cls, environ: Mapping[str, str], mode: str) -> "SlackSecrets":
        """Read what `mode` (``socket`` or ``http``) needs; ConfigurationError names what lacks."""
        names = SLACK_SECRETS
        found: dict[str, Secret | None] = {}
        problems: list[Problem] = []
        needed = needed_secrets(mode)
        for name in names:
            try:
                found[name] = slack_secret(environ, name)
            except ConfigurationError as error:
                problems += error.problems
                continue
            if found[name] is None and name in needed:
                problems += missing_secret(name).problems
        bot_token = found.get("SLACK_BOT_TOKEN")
        if problems or bot_token is None:
            raise ConfigurationError("environment", problems)
        url = environ.get("SLACK_API_URL") or SLACK_API_URL
        return cls(bot_token, found[names[1]], found[names[2]], url.rstrip("/") + "/")

    @classmethod
    def for_terminal(cls, environ: Mapping[str, str]) -> "SlackSecrets":
        """The bot token where there is one: the terminal works without Slack."""
        bot_token = read_secret(environ, "SLACK_BOT_TOKEN") or Secret("")
        return cls(bot_token, None, None, environ.get("SLACK_API_URL") or SLACK_API_URL)

    def all(self) -> tuple[Secret, ...]:
        """Every secret that is set."""
        return tuple(
            secret for secret in (self.bot_token, self.app_token, self.signing_secret) if secret
        )
