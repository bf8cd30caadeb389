"""Opsbell itself, started for a test as people start it: `opsbell run` beside the local Slack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import slack_commands
from bot.config.settings import Settings
from bot.playground import LocalSlack, Workspace, triggers
from bot.playground.modals import View
from bot.slack.manifest import manifest
from tests.backups.sample import make_application
from tests.parts.compose_project import ComposeProject
from tests.parts.process import ChildProcess, opsbell

PATIENCE = 30.0  # seconds
ROLES = """
roles:
  operator: ["@ops"]
  admin: ["@admins"]
"""


def slack_environment(slack: LocalSlack) -> dict[str, str]:
    """The environment with which Opsbell finds the local Slack."""
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
    }


def write_config(directory: Path, database_url: str, *parts: str) -> Path:
    """Writes an opsbell.yaml with the sample workspace's roles; `parts` are YAML, added as is."""
    path = directory / "opsbell.yaml"
    frame = f'database: "{database_url}"\nhttp: {{listen: "127.0.0.1:0"}}\n{ROLES}'
    path.write_text("\n".join((frame, *parts)))
    return path


def compose_target(project: ComposeProject, *, backups: Path) -> str:
    """The configuration of a Compose project as the target grandvps, with its backups."""
    return f"""
targets:
  grandvps:
    runtime: compose
    directory: {project.directory}
    compose: {{project: {project.project}, env_file: .env.production}}
    database: {{service: db, user: {project.user}, name: {project.database}}}
    files: {{media: media, logs: logs}}
    config: [.env.production, docker-compose.yml]
backups:
  grandvps:
    include: [database, media, logs, config]
    store: {{directory: {backups}}}
    keep: {{last: 3}}
"""


def host_target(directory: Path, application_url: str, *backups: str) -> str:
    """The configuration of the sample application as the target grandvps on this machine, which is
    made in `directory`; `backups` are further lines of its backups."""
    make_application(directory / "app")
    frame = f"""
targets:
  grandvps:
    runtime: host
    directory: {directory}/app
    database: {{url: "{application_url}"}}
    files: {{media: media}}
backups:
  grandvps:
    include: [database, media]
    store: {{directory: {directory}/backups}}
"""
    return frame + "".join(f"    {line}\n" for line in backups)


def shows(text: str) -> Callable[[View], bool]:
    """Whether a modal shows a text."""
    return lambda view: text in json.dumps(view.blocks, ensure_ascii=False)


@asynccontextmanager
async def app_slack() -> AsyncIterator[LocalSlack]:
    """A local Slack whose app is exactly the one that `opsbell manifest` describes: its commands,
    events and scopes.

    It is patient with acks and modals: whole processes on a busy machine may take more than Slack's
    three seconds, which are what the tests of the edge are for.
    """
    app = manifest(await slack_commands(Settings()))
    workspace = Workspace.sample()
    workspace.app.scopes = set(app["oauth_config"]["scopes"]["bot"])
    commands = [each["command"] for each in app["features"]["slash_commands"]]
    events = app["settings"]["event_subscriptions"]["bot_events"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triggers, "LIFETIME", PATIENCE)
        async with LocalSlack(
            workspace, commands=commands, events=events, ack_timeout=PATIENCE
        ) as opened:
            yield opened


@asynccontextmanager
async def running_opsbell(
    config: Path, slack: LocalSlack, env: Mapping[str, str] | None = None
) -> AsyncIterator[ChildProcess]:
    """`opsbell run`, connected to the local Slack, until the block ends."""
    environment = slack_environment(slack) | dict(env or {})
    async with opsbell("run", cwd=config.parent, env=environment) as process:
        await process.wait_for_line("opsbell started")
        await slack.wait_connected(timeout=60)
        yield process
