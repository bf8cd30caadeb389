"""Slack's secrets come from variables or from files, never from both."""

from pathlib import Path

import pytest

from bot.config import ConfigurationError, SlackSecrets, read_secret


def test_a_secret_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("xoxb-from-file\n", encoding="utf-8")
    plain = read_secret({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_BOT_TOKEN")
    from_file = read_secret({"SLACK_BOT_TOKEN_FILE": str(file)}, "SLACK_BOT_TOKEN")
    assert plain is not None
    assert from_file is not None
    assert (plain.reveal(), from_file.reveal()) == ("xoxb-1", "xoxb-from-file")
    assert read_secret({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN") is None


def test_a_file_that_does_not_serve_is_loud(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe")
    for path, reason in {
        tmp_path / "missing": "No such file or directory",
        tmp_path: "Is a directory",
        empty: "empty",
        binary: "not text",
    }.items():
        with pytest.raises(ConfigurationError, match=f"SLACK_APP_TOKEN_FILE: .*{reason}"):
            read_secret({"SLACK_APP_TOKEN_FILE": str(path)}, "SLACK_APP_TOKEN")


def test_both_ways_at_once_are_refused() -> None:
    environ = {"SLACK_BOT_TOKEN": "xoxb-canary", "SLACK_BOT_TOKEN_FILE": "/run/secrets/token"}
    with pytest.raises(ConfigurationError, match="expected one of the two") as raised:
        read_secret(environ, "SLACK_BOT_TOKEN")
    assert "canary" not in str(raised.value)


def test_all_that_lacks_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        SlackSecrets.read({"SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, "http")
    assert str(raised.value).splitlines() == [
        (
            'environment: SLACK_BOT_TOKEN_FILE: found "/nowhere/token" (No such file or directory)'
            ", expected a file that can be read"
        ),
        (
            "environment: SLACK_SIGNING_SECRET: found nothing, expected the signing secret, from"
            " Basic Information, App Credentials in the app's settings, here or in a file that"
            " SLACK_SIGNING_SECRET_FILE names"
        ),
    ]


def test_socket_mode_needs_no_signing_secret() -> None:
    secrets = SlackSecrets.read(
        {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "socket"
    )
    assert secrets.signing_secret is None
    assert secrets.api_url == "https://slack.com/api/"
    assert "xoxb" not in repr(secrets)


def test_another_web_api() -> None:
    environ = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "s",
        "SLACK_API_URL": "http://127.0.0.1:9/api",
    }
    assert SlackSecrets.read(environ, "http").api_url == "http://127.0.0.1:9/api/"
