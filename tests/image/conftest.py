"""An installation for a module's tests, made by following docs/install.md to its end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground import LocalSlack, Workspace
from tests.image.installation import USER, Installation, new_installation
from tests.parts.compose_project import ComposeProject, remove_project
from tests.parts.house import ROLES, compose_target
from tests.parts.owner import cleaning_up, is_orphan, owner_tag

_MARK = "-home"
ADMIN = "U0ALICE001"
CONFIGURATION = """
database: "${OPSBELL_DATABASE_URL:-embedded}"
http: {listen: "0.0.0.0:8080"}
"""
NO_SLACK = "http://127.0.0.1:9/"


@dataclass(frozen=True)
class Installed:
    """What the path led to, and what its commands printed."""

    installation: Installation
    printed: str


def belongs_to_user(directory: Path, user: int = USER) -> None:
    """Gives a directory and all in it to the user who installs."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


@pytest.fixture(scope="module")
def home(compose_ready: None) -> Iterator[Path]:
    """Where a user's home directory can be made: every user may pass through."""
    with cleaning_up():
        for left in Path(tempfile.gettempdir()).glob(f"opsbell-test-*{_MARK}"):
            if is_orphan(left.name):
                shutil.rmtree(left)
    place = Path(tempfile.mkdtemp(prefix=f"{owner_tag()}-", suffix=_MARK))
    place.chmod(0o755)
    yield place / "home"
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def host_address(compose_ready: None) -> str:
    """The address at which containers reach this machine."""
    inspect = ("docker", "network", "inspect", "bridge", "--format")
    gateway = (*inspect, "{{(index .IPAM.Config 0).Gateway}}")
    return subprocess.run(gateway, check=True, capture_output=True, text=True).stdout.strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slack(host_address: str) -> AsyncIterator[LocalSlack]:
    """The local Slack where containers reach it."""
    async with LocalSlack(Workspace.sample(), host=host_address, ack_timeout=30) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(
    home: Path, slack: LocalSlack, grandvps: ComposeProject
) -> AsyncIterator[Installed]:
    """Opsbell running beside GrandVPS, whose files belong to the user who installs."""
    belongs_to_user(grandvps.directory)
    project = f"{grandvps.project}-opsbell"
    installation = new_installation(home, project, slack.api_url)
    try:
        printed = await installation.follow_path(
            {"grandvps": grandvps.project, "U0ALICE001": ADMIN},
            {"slack_bot_token": slack.bot_token, "slack_app_token": slack.app_token},
        )
        await slack.wait_connected()
        yield Installed(installation, printed)
    finally:
        remove_project(project)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(home: Path, grandvps: ComposeProject) -> AsyncIterator[Installation]:
    """Opsbell as it is before the first start, with a configuration for GrandVPS, and no Slack."""
    belongs_to_user(grandvps.directory)
    project = f"{grandvps.project}-opsbell"
    installation = new_installation(home, project, NO_SLACK)
    try:
        await installation.get(grandvps.project)
        (installation.directory / "secrets/slack_bot_token").write_text("xoxb-none")
        target = compose_target(grandvps, backups=Path("var/backups"))
        (installation.site / "opsbell.yaml").write_text(f"{CONFIGURATION}{ROLES}{target}")
        yield installation
    finally:
        remove_project(project)
