"""docker/prepare: what it writes, what it keeps, and what it says when it cannot."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.dotenv import parse
from tests.image.conftest import NO_SLACK, belongs_to_user
from tests.image.installation import ROOT, USER, Installation, new_installation
from tests.parts.compose_project import CommandFailedError, ComposeProject

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "root")


@pytest.fixture
def fresh(home: Path) -> Iterator[Installation]:
    """A place with the script alone in it; its name has a space, as directories may."""
    installation = new_installation(home.with_name("a home"), "unused", NO_SLACK)
    (installation.directory / "docker").mkdir(parents=True)
    shutil.copy(ROOT / "docker/prepare", installation.directory / "docker")
    belongs_to_user(installation.home)
    yield installation
    shutil.rmtree(installation.home)


async def test_it_names_the_user_the_directory_and_the_project_and_keeps_what_is_there(
    fresh: Installation, grandvps: ComposeProject
) -> None:
    await fresh.type("echo OPSBELL_PORT=9000 >.env; echo OPSBELL_UID=1 >>.env")
    said = await fresh.type(f"docker/prepare {grandvps.project}")
    assert str(grandvps.directory) in said
    settings = parse((fresh.directory / ".env").read_text())
    assert settings["OPSBELL_UID"] == settings["OPSBELL_GID"] == str(USER)
    assert settings["OPSBELL_DIRECTORY"] == str(fresh.directory)
    assert settings["OPSBELL_PROJECT_DIR"] == str(grandvps.directory)
    assert settings["OPSBELL_PROJECT_NETWORK"] == f"{grandvps.project}_default"
    assert settings["OPSBELL_PORT"] == "9000"
    secrets = fresh.directory / "secrets"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    assert modes == {0o600}
    password = (secrets / "postgres_password").read_text()
    assert len(password) == 48
    (secrets / "slack_bot_token").write_text("xoxb-kept")
    await fresh.type("docker/prepare")
    assert parse((fresh.directory / ".env").read_text()) == settings
    assert (secrets / "postgres_password").read_text() == password
    assert (secrets / "slack_bot_token").read_text() == "xoxb-kept"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "docker/prepare no-such-project",
            "No Compose project no-such-project has containers here; docker compose ls --all",
        ),
        ("DOCKER_HOST=unix:///nowhere docker/prepare", "Docker does not answer you. Start it, or"),
    ],
    ids=("project", "engine"),
)
async def test_what_is_missing_is_one_line_and_nothing_is_written(
    fresh: Installation, command: str, said: str
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        await fresh.type(command)
    [line] = str(failure.value).splitlines()[2:]
    assert line.startswith(said)
    assert not (fresh.directory / ".env").exists()
