"""What the manifest says, as a value, as YAML to paste, and at the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import slack_commands
from bot.config.settings import Settings
from bot.slack.manifest import EVENTS, SCOPES, as_yaml, manifest
from tests.parts.process import opsbell


async def described(**options: str) -> dict[str, Any]:
    return manifest(await slack_commands(Settings()), **options)


async def test_it_keeps_within_what_slack_allows() -> None:
    app = await described(prefix="a-prefix-of-16-ch", address="https://opsbell.example.com")
    assert len(app["display_information"]["name"]) <= 35
    assert len(app["display_information"]["description"]) <= 140
    commands = app["features"]["slash_commands"]
    assert 3 <= len(commands) <= 50
    for command in commands:
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


async def test_the_yaml_says_the_same_and_why() -> None:
    app = await described()
    text = as_yaml(app)
    assert yaml.safe_load(text) == app
    lines = text.splitlines()
    for name, reason in {**SCOPES, **EVENTS}.items():
        [line] = [each for each in lines if each.strip().startswith(f"- {name} ")]
        assert line.endswith(f"# {reason}")


async def test_below_it_stands_what_comes_next() -> None:
    """Down to the end of it, since that is what is seen last on a terminal."""
    for address, named, other in (
        ("", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"),
        ("https://opsbell.example.com", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"),
    ):
        _, _, rest = as_yaml(await described(address=address)).partition("# Once the app is made")
        assert "SLACK_BOT_TOKEN" in rest
        assert named in rest
        assert other not in rest
        assert rest.endswith("# Next: opsbell init\n")


async def test_over_http_every_url_leads_to_opsbell() -> None:
    app = await described(address="https://opsbell.example.com/")
    url = "https://opsbell.example.com/slack/events"
    assert {each["url"] for each in app["features"]["slash_commands"]} == {url}
    assert app["settings"]["event_subscriptions"]["request_url"] == url
    assert app["settings"]["interactivity"]["request_url"] == url
    assert app["settings"]["socket_mode_enabled"] is False
    assert "url" not in str(await described())


async def printed(tmp_path: Path, *arguments: str, status: int = 0) -> str:
    async with opsbell("manifest", *arguments, cwd=tmp_path) as process:
        assert await process.wait(timeout=30) == status
    return "\n".join(process.output)


async def test_the_terminal_prints_it_without_any_configuration(tmp_path: Path) -> None:
    assert yaml.safe_load(await printed(tmp_path)) == await described()
    url = "https://opsbell.example.com"
    told = await printed(tmp_path, "--json", "--url", f"{url}/slack/events")
    assert json.loads(told) == await described(address=url)


async def test_it_is_what_the_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "opsbell.yaml").write_text("slack: {mode: http, command_prefix: gv-}")
    told = await printed(tmp_path, "--url", "https://opsbell.example.com")
    app = yaml.safe_load(told)
    assert app == await described(prefix="gv-", address="https://opsbell.example.com")
    commands = [each["command"] for each in app["features"]["slash_commands"]]
    assert "/gv-backup" in commands
    assert all(command.startswith("/gv-") for command in commands)


@pytest.mark.parametrize(
    ("config", "arguments", "line"),
    [
        (
            "slack: {mode: http}",
            [],
            (
                "opsbell.yaml says slack.mode: http, so the manifest needs Opsbell's address."
                " Add --url https://opsbell.example.com, as Slack reaches it."
            ),
        ),
        (
            "slack: {mode: socket}",
            ["--url", "https://opsbell.example.com"],
            (
                "--url is for HTTP, and opsbell.yaml says slack.mode: socket."
                " Leave it out, or set the mode to http."
            ),
        ),
        (
            "",
            ["--url", "http://opsbell.example.com"],
            (
                '"http://opsbell.example.com" is no address that Slack calls.'
                " It is like https://opsbell.example.com, with https."
            ),
        ),
        (
            "",
            ["--config", "other.yaml"],
            (
                "other.yaml: found no such file, expected a configuration"
                " (opsbell init writes one, --config names another)"
            ),
        ),
    ],
)
async def test_what_does_not_fit_is_said(
    tmp_path: Path, config: str, arguments: list[str], line: str
) -> None:
    if config:
        (tmp_path / "opsbell.yaml").write_text(config)
    assert await printed(tmp_path, *arguments, status=2) == line
