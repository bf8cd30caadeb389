"""The two that are compared, each as a process of its own beside one local Slack."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.playground import LocalSlack, Workspace
from bot.playground.workspace import Person
from tests.parts.house import running_opsbell, slack_environment
from tests.parts.process import ChildProcess, opsbell

BARE, OPSBELL = "bare Bolt", "Opsbell"
BARE_BOLT = Path(__file__).with_name("bare_bolt.py")
CHANNEL = "ops"
# So many that hardly anyone has two commands under way at once; they are one user group.
TEAM = 250

# Everyone of the team is an operator and nobody an admin, so `/backup now` is always refused.
CONFIG = """
database: embedded
http: {{listen: "127.0.0.1:0"}}
roles:
  operator: ["@ops"]
  admin: ["@admins"]
access:
  backup: {{role: admin}}
targets:
  grandvps:
    runtime: host
    directory: {directory}
    config: [settings.env]
backups:
  grandvps:
    include: [config]
    store: {{directory: {directory}/backups}}
"""


def team() -> Workspace:
    """The sample workspace with a team of operators more."""
    workspace = Workspace.sample()
    for number in range(TEAM):
        person = Person(f"U0BENCH{number:04d}", f"bench{number}", f"Bench {number}")
        workspace.people[person.id] = person
        workspace.groups["S0OPS00001"].members.append(person.id)
        workspace.find_channel(CHANNEL).members.add(person.id)
    return workspace


def write_config(directory: Path) -> Path:
    """Writes an opsbell.yaml on the embedded database, and what it speaks of; its path."""
    (directory / "settings.env").write_text("DEBUG=0\n")
    path = directory / "opsbell.yaml"
    path.write_text(CONFIG.format(directory=directory))
    return path


def start(name: str, config: Path, slack: LocalSlack) -> ChildProcess:
    """One of the two, to be entered; both run on this interpreter."""
    environment, directory = slack_environment(slack), config.parent
    if name == OPSBELL:
        return opsbell("run", cwd=directory, env=environment)
    return ChildProcess(sys.executable, str(BARE_BOLT), cwd=directory, env=environment)


@asynccontextmanager
async def running(name: str, config: Path, slack: LocalSlack) -> AsyncIterator[None]:
    """One of the two, connected; gone from the local Slack when the block has ended."""
    if name == OPSBELL:
        async with running_opsbell(config, slack):
            await slack.wait_connected(2)
            yield
    else:
        async with start(name, config, slack):
            await slack.wait_connected()
            yield
    await gone(slack)


async def gone(slack: LocalSlack) -> None:
    """Returns when no socket is left."""
    async with asyncio.timeout(10):
        while slack.sockets.connections:  # noqa: ASYNC110 - nothing tells of a socket's end
            await asyncio.sleep(0.01)
