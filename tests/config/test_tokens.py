"""Slack's credentials in each other's places, and dressed up."""

from pathlib import Path

import pytest

from bot.config.environment import SlackSecrets, slack_secret
from bot.config.errors import ConfigurationError

BOT, APP = "xoxb-1-2-abc", "xapp-1-A1-2-def"
SIGNING = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("SLACK_BOT_TOKEN", APP, "an app-level token (xapp-…)"),
        ("SLACK_BOT_TOKEN", "xoxp-1-2-3", "a user token (xoxp-…)"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-1-2", "a token that expires (xoxe…)"),
        ("SLACK_BOT_TOKEN", "xoxs-1", "a session token (xoxs-…)"),
        ("SLACK_BOT_TOKEN", f'"{BOT}"', "quotes around it"),
        ("SLACK_BOT_TOKEN", f"{BOT} ", "spaces or a line end around it"),
        ("SLACK_BOT_TOKEN", f"Bearer {BOT}", "the word Bearer before it"),
        ("SLACK_BOT_TOKEN", "xoxb-<yours>", "characters that no token has"),
        ("SLACK_BOT_TOKEN", SIGNING, "what looks like the signing secret"),
        ("SLACK_BOT_TOKEN", "hunter2", "something that does not begin with xoxb-"),
        ("SLACK_APP_TOKEN", BOT, "a bot token (xoxb-…)"),
        ("SLACK_SIGNING_SECRET", BOT, "a bot token (xoxb-…)"),
    ],
)
def test_what_stands_in_its_place_is_named_and_not_shown(name: str, text: str, found: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        slack_secret({name: text}, name)
    [problem] = raised.value.problems
    assert (problem.path, problem.found) == (name, found)
    assert text.strip("\"' ") not in str(raised.value)


def test_sound_ones_pass_and_a_file_may_end_its_line_or_begin_with_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"\ufeff{BOT}\r\n", encoding="utf-8")
    environ = {"SLACK_BOT_TOKEN_FILE": str(file), "SLACK_APP_TOKEN": APP}
    secrets = SlackSecrets.read(environ, "socket")
    assert secrets.bot_token.reveal() == BOT


def test_the_file_is_named_where_the_secret_came_from_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(APP)
    with pytest.raises(ConfigurationError, match="SLACK_BOT_TOKEN_FILE: found an app-level token"):
        slack_secret({"SLACK_BOT_TOKEN_FILE": str(file)}, "SLACK_BOT_TOKEN")
