"""What Slack's credentials look like, so that one put in another's place is recognised.

Slack's own page on token types names the beginnings: xoxb- bot, xapp- app-level, xoxp- user,
xoxe. rotating.
"""

import re

WHERE = {
    "SLACK_BOT_TOKEN": "the bot token (xoxb-…), from OAuth & Permissions in the app's settings",
    "SLACK_APP_TOKEN": (
        "the app-level token (xapp-…), from Basic Information, App-Level Tokens in the app's"
        " settings"
    ),
    "SLACK_SIGNING_SECRET": (
        "the signing secret, from Basic Information, App Credentials in the app's settings"
    ),
}
"""Each credential, and where a person finds it."""

_BEGINNING = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}
_KINDS = {
    "xoxb-": "a bot token (xoxb-…)",
    "xapp-": "an app-level token (xapp-…)",
    "xoxp-": "a user token (xoxp-…)",
    "xoxe": "a token that expires (xoxe…)",
    "xoxa-": "a legacy token (xoxa-…)",
    "xoxs-": "a session token (xoxs-…)",
    "xoxc-": "a session token (xoxc-…)",
}
_WITHOUT_ROTATION = "one that does not expire: an app without token rotation"
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")


def is_signing_secret(text: str) -> bool:
    """Whether a text has a signing secret's form, as far as Slack has ever made them."""
    return bool(_SIGNING_SECRET.fullmatch(text))


def mistaken(name: str, text: str) -> tuple[str, str] | None:
    """What a credential is instead of what `name` asks for, and what is expected.

    None where nothing speaks against it. What is found is named by its kind, never shown.
    """
    expected = WHERE[name]
    if text != text.strip():
        return "spaces or a line end around it", f"{expected}, alone"
    if text[0] in "\"'“”‘’":
        return "quotes around it", f"{expected}, without quotes"
    if text.lower().startswith("bearer "):
        return "the word Bearer before it", f"{expected}, alone"
    kind = next((says for start, says in _KINDS.items() if text.startswith(start)), "")
    beginning = _BEGINNING.get(name)
    if beginning is None:
        return (kind, expected) if kind else None
    if text.startswith("xoxe"):
        return kind, _WITHOUT_ROTATION
    if not text.startswith(beginning):
        if not kind and is_signing_secret(text):
            kind = "what looks like the signing secret"
        return kind or f"something that does not begin with {beginning}", expected
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        return "characters that no token has", expected
    return None
