"""docker/prepare: what it writes, what it keeps, and what it says when it cannot."""

import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.dotenv import parse
from tests.image.conftest import NO_SLACK, belongs_to_user
from tests.image.installation import ROOT, USER, Installation, new_installation
from tests.parts.compose_project import CommandFailedError, ComposeProject, remove_project
from tests.parts.owner import owner_tag

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "root")


# Compose of an earlier version is nowhere to be had here, so a plugin says that it is one: the
# user's own plugins go before the machine's.
OLD_COMPOSE = r"""
cat >~/.docker/cli-plugins/docker-compose <<'END'
#!/bin/sh
case $1 in
docker-cli-plugin-metadata) echo '{"SchemaVersion": "0.1.0", "Vendor": "test"}' ;;
*) echo v2.23.3 ;;
esac
END
chmod +x ~/.docker/cli-plugins/docker-compose
"""


@pytest.fixture
def fresh(home: Path) -> Iterator[Installation]:
    """A place with the script alone in it; its name has a space, as directories may."""
    installation = new_installation(home.with_name("a home"), f"{owner_tag()}-fresh", NO_SLACK)
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
    assert settings["OPSBELL_DIRECTORY"] == str(fresh.site)
    assert stat.S_IMODE(fresh.site.stat().st_mode) == 0o700
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


async def test_lines_in_another_encoding_stay_and_so_does_where_it_works(
    fresh: Installation,
) -> None:
    await fresh.type("printf 'A=1\\nPASS=\\374x\\nB=2\\n' >.env; mkdir -p elsewhere/docker")
    await fresh.type('export LC_ALL=C.UTF-8 CDPATH="$PWD/elsewhere"; docker/prepare')
    lines = (fresh.directory / ".env").read_bytes().splitlines()
    assert lines[:3] == [b"A=1", b"PASS=\xfcx", b"B=2"]
    assert [path.name for path in (fresh.directory / "elsewhere").iterdir()] == ["docker"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "docker/prepare no-such-project",
            "No Compose project no-such-project has containers here; docker compose ls --all",
        ),
        ("DOCKER_HOST=unix:///nowhere docker/prepare", "Docker does not answer you. Start it, or"),
        (
            f"{OLD_COMPOSE}docker/prepare",
            "Docker Compose is version 2.23.3: Opsbell needs 2.24 or later.",
        ),
        (
            "printf '#!/bin/sh\nexit 1\n' >../od; chmod +x ../od; PATH=..:$PATH docker/prepare",
            "No password could be made from /dev/urandom.",
        ),
        (
            """mkdir "it's"; cp -r docker "it's"; cd "it's"; docker/prepare""",
            "HERE/it's has a ' in it, which Compose cannot read from .env: rename or move it.",
        ),
    ],
    ids=("project", "engine", "old compose", "no random numbers", "a quote in the path"),
)
async def test_what_is_missing_is_one_line_and_nothing_is_written(
    fresh: Installation, command: str, said: str
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        await fresh.type(command)
    [line] = str(failure.value).partition("\nexit status 1\n")[2].splitlines()
    assert line.startswith(said.replace("HERE", str(fresh.directory)))
    assert not [*fresh.directory.rglob(".env"), *fresh.directory.rglob("secrets")]


async def test_the_password_of_an_earlier_clone_is_not_replaced(fresh: Installation) -> None:
    """The volume keeps the one that it was made with."""
    labels = f"--label com.docker.compose.project={fresh.project}"
    labels += " --label com.docker.compose.volume=database"
    volume = f"{fresh.project}_database"
    await fresh.type(f"docker volume create {labels} {volume}")
    try:
        with pytest.raises(CommandFailedError) as failure:
            await fresh.type("docker/prepare")
        [line] = str(failure.value).partition("\nexit status 1\n")[2].splitlines()
        assert line == (
            f"The volume {volume} of an earlier Opsbell is here, but not its password. Copy"
            " secrets/postgres_password from the earlier directory, or give up its records:"
            f" docker volume rm {volume}"
        )
        assert not (fresh.directory / ".env").exists()
        await fresh.type("mkdir secrets; printf earlier >secrets/postgres_password; docker/prepare")
        assert (fresh.directory / "secrets/pgpass").read_text().endswith(":earlier\n")
    finally:
        await fresh.type(f"docker volume rm {volume}")


async def test_a_project_without_a_network_is_not_given_that_of_another(
    fresh: Installation, grandvps: ComposeProject
) -> None:
    await fresh.type(f"docker/prepare {grandvps.project}")
    alone = "{services: {app: {image: 'opsbell-test/web:1', network_mode: host}}}"
    name = f"{grandvps.project}-alone"
    await fresh.type(f"mkdir ../alone; echo {shlex.quote(alone)} >../alone/compose.yaml")
    try:
        compose = f"docker compose --project-name {name} --file ../alone/compose.yaml"
        await fresh.type(f"unset COMPOSE_FILE; {compose} create")
        await fresh.type(f"docker/prepare {name}")
    finally:
        remove_project(name)
    settings = parse((fresh.directory / ".env").read_text())
    assert settings["OPSBELL_PROJECT_DIR"] == str(fresh.home / "alone")
    assert not [each for each in settings if each.startswith("OPSBELL_PROJECT_NETWORK")]
