"""What the files of the image and of Compose must agree on."""

import re
import tomllib
from typing import Any

import yaml

from tests.image.installation import ROOT, blocks, commands, path_commands

README = ROOT / "README.md"


def pins(lock: str) -> dict[str, str]:
    """Every library of a lock, with what it is pinned to and the hashes of its files."""
    text = (ROOT / lock).read_text()
    parts = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return {
        part.partition(" \\\n")[0]: "".join(re.findall(r"sha256:\w+", part))
        for part in parts
        if part
    }


def test_the_image_has_the_libraries_that_the_tests_had() -> None:
    """The same files of the same versions, all that Opsbell needs and nothing for development."""
    tested, shipped = pins("requirements.lock"), pins("docker/run.lock")
    assert shipped.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=;\[ ]", pin)[0] for pin in shipped}
    asked = {re.split(r"[<>=;\[ ]", each)[0].lower() for each in project["dependencies"]}
    assert asked <= names
    assert not names & {"pytest", "mypy", "ruff", "nicegui"}


def test_the_readme_has_the_path_in_short() -> None:
    """Command for command that of docs/install.md, which the tests type, but for the tokens."""
    [short, _] = blocks(README, "## Install it")
    long = [line for block in path_commands() for line in commands(block)]
    assert [each for line in commands(short) for each in line.split(" && ")] == [
        line for line in long if not line.startswith("read ")
    ]


def services(name: str) -> dict[str, Any]:
    text = (ROOT / name).read_text().replace("!override", "").replace("!reset", "")
    return dict(yaml.safe_load(text)["services"])


def test_what_replaces_the_socket_leaves_the_other_mounts_as_they_are() -> None:
    """But that behind the proxy, which lets nobody deploy, the project is there to be read."""
    mounts = services("compose.yaml")["opsbell"]["volumes"]
    kept = [each for each in mounts if "docker.sock" not in each["source"]]
    assert len(kept) == len(mounts) - 1
    over_ssh = services("docs/compose.docker-over-ssh.yaml")["opsbell"]["volumes"]
    assert over_ssh[: len(kept)] == kept
    site, project = kept
    to_read = project["read_only"].replace(":-false", ":-true")
    behind_proxy = services("docs/compose.socket-proxy.yaml")["opsbell"]["volumes"]
    assert behind_proxy == [site, project | {"read_only": to_read}]


def test_what_replaces_the_app_token_leaves_the_other_secrets_as_they_are() -> None:
    secrets = services("compose.yaml")["opsbell"]["secrets"]
    replaced = services("docs/compose.http.yaml")["opsbell"]["secrets"]
    assert set(secrets) - set(replaced) == {"slack_app_token"}
    assert set(replaced) - set(secrets) == {"slack_signing_secret"}


def test_the_database_lies_where_every_postgres_image_takes_it() -> None:
    """The official image refuses a mount at data/ from 18 on, and up to 17 hides there, behind a
    volume without a name, what is mounted further up."""
    database = services("compose.yaml")["opsbell-db"]
    [volume] = database["volumes"]
    place = database["environment"]["PGDATA"]
    assert volume == f"database:{place}"
    assert place not in ("/var/lib/postgresql", "/var/lib/postgresql/data")
