"""`opsbell init` on real Compose projects, as a program: what it writes works."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from bot.config.load import load
from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from tests.image.installation import until_answered
from tests.install.projects import WEB, running_project
from tests.install.terminal import NO_DOCKER, at_terminal, init
from tests.parts.compose_project import ComposeProject
from tests.parts.network import free_port
from tests.parts.process import ChildProcess, opsbell
from tests.parts.users import OPSBELL

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


def written(cwd: Path) -> Settings:
    return load(cwd / "opsbell.yaml", {})


def compose_target(settings: Settings, name: str) -> ComposeTarget:
    target = settings.target(name)
    assert isinstance(target, ComposeTarget)
    return target


async def test_a_backup_is_taken_with_what_was_written(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    told = await init(tmp_path, "--project", grandvps.project, "--admin", "U0ALICE001")
    settings = written(tmp_path)
    target = compose_target(settings, grandvps.project)
    assert target.directory == grandvps.directory
    assert target.compose.env_file == PurePosixPath(".env.production")
    assert target.database is not None
    assert target.database.service == "db"
    assert (target.database.user, target.database.name) == (grandvps.user, grandvps.database)
    assert list(target.files) == ["media", "logs"]
    assert [str(each) for each in target.config] == [".env.production", "docker-compose.yml"]
    # Where no token is yet, Slack comes first.
    assert told[-3:] == ["  opsbell manifest", "  opsbell check", "  opsbell run"]
    assert any("another port after each start" in line for line in told)
    async with opsbell("backup", "now", cwd=tmp_path) as process:
        assert await process.wait(timeout=60) == 0, process.output
    [found] = (tmp_path / "var/backups" / grandvps.project).iterdir()
    assert {"database.dump", "media.tar.zst", "logs.tar.zst", "config.tar.zst"} <= {
        each.name for each in found.iterdir()
    }
    text = (tmp_path / "opsbell.yaml").read_text()
    assert grandvps.canary not in "\n".join([text, *told])


async def test_the_written_configuration_passes_the_doctors_look_at_the_target(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    """Without tokens Slack alone is at fault."""
    await init(tmp_path, "--project", grandvps.project, "--admin", "U0ALICE001")

    async def check() -> str:
        async with opsbell("check", cwd=tmp_path) as process:
            assert await process.wait(timeout=60) == 1
        return "\n".join(process.output)

    said = (await until_answered(check)).splitlines()
    bad = [line for line in said if line.startswith("🔴 critical")]
    assert bad
    assert all("SLACK_" in line for line in bad), bad


async def test_a_project_without_a_database_whose_files_hold_secrets(tmp_path: Path) -> None:
    port, directory = free_port(), tmp_path / "shop"
    variables = {"API_TOKEN": "canary-variable-31fe", "PORT": str(port)}
    async with running_project(directory, WEB, variables) as project:
        told = await init(
            tmp_path, "--project", project, "--admin", "U0ALICE001", "--target", "shop"
        )
    settings = written(tmp_path)
    target = compose_target(settings, "shop")
    assert target.compose.project == project
    assert target.database is None
    assert target.health is not None
    assert target.health.url == f"http://127.0.0.1:{port}/healthz"
    assert "response" in settings.checks
    assert target.files["uploads"].service == "app"
    assert target.files["uploads"].path == PurePosixPath("/app/uploads")
    assert [str(each) for each in target.config] == [".env", "compose.yaml", "etc/app.conf"]
    assert settings.backups["shop"].include == ("uploads", "config")
    text = (tmp_path / "opsbell.yaml").read_text()
    assert "canary" not in "\n".join([text, *told])


async def test_of_several_projects_one_is_chosen_at_the_terminal(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    """Each question has its default, what is wrong is asked for again, six at most."""
    port = free_port()
    async with (
        running_project(tmp_path / "shop", WEB, {"API_TOKEN": "a", "PORT": str(port)}) as shop,
        at_terminal("init", cwd=tmp_path) as terminal,
    ):
        await terminal.wait_for(rf"Compose project \(.*{shop}.*\): ")
        await terminal.answer("", "shpo")
        await terminal.wait_for('No Compose project "shpo" runs')
        await terminal.answer(r"Compose project \(.*\): ", shop)
        await terminal.wait_for("✅ Services  app")
        await terminal.answer(r"Your Slack user ID or @handle: ", "@alice")
        await terminal.wait_for('"@alice" is no Slack user ID')
        await terminal.answer(r"Your Slack user ID or @handle: ", "U0ALICE001")
        await terminal.answer(r"Channel for checklists and backups \[ops\]: ", "shop-ops")
        await terminal.answer(r"Time zone \[\S+\]: ", "Europe/Berlni")
        await terminal.wait_for(r'"Europe/Berlni" is no time zone \(did you mean Europe/Berlin\?\)')
        await terminal.answer(r"Time zone \[\S+\]: ", "Europe/Berlin")
        await terminal.answer(r"Directory for backups \[\./var/backups\]: ", "")
        assert await terminal.wait() == 0, terminal.text
    settings = written(tmp_path)
    assert settings.only_target() == shop
    assert settings.slack.channels.ops == "shop-ops"
    assert str(settings.timezone) == "Europe/Berlin"
    assert settings.backups[shop].store.directory == tmp_path / "var/backups"


async def test_ctrl_c_at_a_question_ends_it_and_leaves_nothing(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    async with at_terminal("init", "--project", grandvps.project, cwd=tmp_path) as terminal:
        await terminal.wait_for("Your Slack user ID or @handle: ")
        assert await terminal.interrupt() != 0
    assert list(tmp_path.iterdir()) == []


async def test_flags_tell_everything(grandvps: ComposeProject, tmp_path: Path) -> None:
    await init(
        tmp_path,
        *("--project", grandvps.project, "--target", "grandvps", "--admin", "U0ALICE001"),
        *("--channel", "#web-ops", "--timezone", "Asia/Kolkata", "--mode", "http"),
        *("--backups", "/backups", "--output", "config/grandvps.yaml"),
        status=1,
    )
    (tmp_path / "config").mkdir()
    told = await init(
        tmp_path,
        *("--project", grandvps.project, "--target", "grandvps", "--admin", "U0ALICE001"),
        *("--channel", "#web-ops", "--timezone", "Asia/Kolkata", "--mode", "http"),
        *("--backups", "/backups", "--output", "config/grandvps.yaml"),
    )
    settings = load(tmp_path / "config/grandvps.yaml", {})
    assert settings.only_target() == "grandvps"
    assert settings.slack.channels.support == "web-ops"
    assert settings.slack.mode == "http"
    assert str(settings.timezone) == "Asia/Kolkata"
    assert settings.backups["grandvps"].store.directory == Path("/backups")
    assert told[-1] == "  opsbell run --config config/grandvps.yaml"


async def test_by_force_the_old_one_stays_beside_the_new(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    (tmp_path / "opsbell.yaml").write_text("mine")
    told = await init(tmp_path, "--force", "--project", grandvps.project, "--admin", "U0ALICE001")
    [kept] = tmp_path.glob("opsbell.yaml.2*")
    assert kept.read_text() == "mine"
    assert f"✅ Kept      the old one as {kept.name}" in told
    assert written(tmp_path).only_target() == grandvps.project


async def test_without_docker_the_files_say_as_much_as_they_can(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    directory = str(grandvps.directory)
    told = await init(tmp_path, "--directory", directory, "--admin", "U0ALICE001", env=NO_DOCKER)
    assert any("The Docker Engine does not run." in line for line in told)
    target = compose_target(written(tmp_path), grandvps.project)
    assert target.database is not None
    assert target.database.user == grandvps.user
    assert target.compose.env_file == PurePosixPath(".env.production")
    assert list(target.files) == ["media", "logs"]
    text = (tmp_path / "opsbell.yaml").read_text()
    assert grandvps.canary not in "\n".join([text, *told])


async def test_without_compose_either_the_flags_are_enough(
    grandvps: ComposeProject, tmp_path: Path
) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    told = await init(
        tmp_path,
        *("--directory", str(grandvps.directory), "--admin", "U0ALICE001", "--yes"),
        env=NO_DOCKER | {"PATH": f"{empty}:{setpriv_only(tmp_path)}"},
    )
    assert any(line.startswith("⚠️ Database") for line in told)
    settings = written(tmp_path)
    assert settings.backups[grandvps.project].include == ("media", "logs", "config")


def setpriv_only(tmp_path: Path) -> Path:
    """A PATH with nothing but what the tests start programs with."""
    directory = tmp_path / "path"
    directory.mkdir()
    (directory / "setpriv").symlink_to("/usr/bin/setpriv")
    return directory


@pytest.mark.needs("root")
async def test_a_directory_that_may_not_be_read_is_believed_to_be_as_docker_says(
    own_grandvps: ComposeProject, tmp_path: Path
) -> None:
    os.chown(own_grandvps.directory, 1000, 1000)
    own_grandvps.directory.chmod(0o700)
    weak = "--bounding-set=-dac_override,-dac_read_search"
    arguments = ("init", "--project", own_grandvps.project, "--admin", "U0ALICE001")
    opsbell_weak = ("setpriv", weak, *OPSBELL, *arguments)
    async with ChildProcess(*opsbell_weak, cwd=tmp_path) as process:
        assert await process.wait(timeout=40) == 0, process.output
    unseen = f"{own_grandvps.directory} is not to be seen from here"
    assert any(unseen in line for line in process.output)
    target = compose_target(written(tmp_path), own_grandvps.project)
    assert list(target.files) == ["media", "logs"]
    assert [str(each) for each in target.config] == [".env.production", "docker-compose.yml"]
