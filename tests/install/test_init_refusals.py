"""What `opsbell init` does not do, and how it says so: one line, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.install.terminal import NO_DOCKER, init
from tests.parts.compose_project import ComposeProject

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


async def test_a_file_that_is_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "opsbell.yaml").write_text("mine")
    told = await init(tmp_path, status=1)
    assert told == [
        (
            "opsbell.yaml exists already, and nothing was written."
            " Name another with --output, or replace it with --force, which keeps the old one."
        )
    ]


async def test_only_an_empty_token_file_is_as_no_token(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    arguments = ("--directory", str(grandvps.directory), "--admin", "U0ALICE001")
    token = tmp_path / "token"
    env = NO_DOCKER | {"SLACK_BOT_TOKEN_FILE": str(token)}
    told = await init(tmp_path, *arguments, env=env, status=2)
    expected = "expected a file that can be read"
    missing = f'SLACK_BOT_TOKEN_FILE: found "{token}" (No such file or directory), {expected}'
    assert told == [f"environment: {missing}"]
    token.write_text("\n")
    told = await init(tmp_path, *arguments, env=env)
    assert any("U0ALICE001, not looked up without SLACK_BOT_TOKEN" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--directory", "GRANDVPS"],
            (
                "--admin is missing: Your Slack user ID or @handle."
                " Slack shows it in your profile: ⋮, Copy member ID."
            ),
        ),
        (
            ["--directory", "GRANDVPS", "--admin", "alice"],
            (
                '"alice" is no Slack user ID (U…), and names are looked up only with'
                " SLACK_BOT_TOKEN set. Slack shows it in your profile: ⋮, Copy member ID."
            ),
        ),
        (
            ["--directory", "GRANDVPS", "--admin", "U0ALICE001", "--timezone", "Berlin"],
            (
                '"Berlin" is no time zone (did you mean Europe/Berlin?).'
                " They are named as Europe/Berlin or UTC."
            ),
        ),
        (
            ["--directory", "GRANDVPS", "--admin", "U0ALICE001", "--channel", "the ops"],
            '"the ops" is no name of a channel. They are like ops or ops-web.',
        ),
        (["--mode", "websocket"], '--mode is socket or http, not "websocket".'),
        (["--target", "grand vps"], '--target is letters, digits, - and _, not "grand vps".'),
        (
            [],
            (
                "--directory is missing: Directory of the Compose project. The Docker Engine does"
                " not run. Start the Docker Engine (systemctl start docker) or set DOCKER_HOST."
                " Without Docker's help, say where the project lies."
            ),
        ),
        (
            ["--project", "grandvps"],
            (
                "The Docker Engine does not run."
                " Start the Docker Engine (systemctl start docker) or set DOCKER_HOST."
                " To go on without Docker, say where the project lies: --directory."
            ),
        ),
    ],
)
async def test_without_a_terminal_what_is_missing_or_wrong_is_one_line(
    grandvps: ComposeProject, tmp_path: Path, arguments: list[str], line: str
) -> None:
    filled = [str(grandvps.directory) if each == "GRANDVPS" else each for each in arguments]
    told = await init(tmp_path, *filled, env=NO_DOCKER, status=2)
    assert told[-1] == line
    assert list(tmp_path.iterdir()) == []
