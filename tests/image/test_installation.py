"""The ten-minute path, typed as docs/install.md has it, and what then runs.

The clone is of what is committed; the image is built, and everything runs on the real Engine.
"""

import json
import re
import shlex
import shutil
from dataclasses import replace
from typing import Any

import pytest

from bot.config.load import load
from bot.config.targets import ComposeTarget
from bot.playground import LocalSlack
from tests.image.conftest import ADMIN, Installed
from tests.image.installation import DOCUMENT, USER, blocks, commands, until_answered
from tests.install.projects import WEB, running_project
from tests.parts.compose_project import CommandFailedError, ComposeProject, run
from tests.parts.network import free_port
from tests.test_house import restored_equals

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "git", "root"),
    # The first test makes everything, the image too where it is not cached.
    pytest.mark.timeout(600),
]


def at_terminal(command: str) -> str:
    """A command, with a terminal for it."""
    return f"script --quiet --return --command {shlex.quote(command)} /dev/null"


def read_until(line: str, command: str) -> str:
    """A command that never ends, ended as soon as it has printed a line."""
    reading = f"{command} | {{ sed {shlex.quote(f'/{line}/q')}; kill 0; }}"
    # 143: by that signal, not by the time limit.
    return f"timeout 60 sh -c {shlex.quote(reading)} || test $? -eq 143"


async def inspected(kind: str, name: str) -> dict[str, Any]:
    [found] = json.loads(await run("docker", kind, "inspect", name))
    return dict(found)


async def test_the_path_ends_with_a_bot_that_answers(
    installed: Installed, slack: LocalSlack
) -> None:
    alice = slack.person(ADMIN)
    assert (await alice.command("/opsbell status", channel="ops")).acked
    await alice.wait_for_ephemeral(channel="ops", text="· ok")
    container = await inspected("container", installed.installation.container("opsbell"))
    assert container["State"]["Health"]["Status"] == "healthy"


async def test_the_doctor_finds_all_well_from_the_image_to_the_project(
    installed: Installed, grandvps: ComposeProject
) -> None:
    check = "docker compose run --rm -T opsbell check --json 2>/dev/null"
    said = await until_answered(lambda: installed.installation.type(check))
    findings = json.loads(said)["findings"]
    # There can be none on a first day.
    others = [each for each in findings if each["subject"] != "Newest backup"]
    assert [each for each in others if each["state"] != "ok"] == []
    areas = {"Configuration", "Slack", "Database", "Docker", "Checks", "Container"}
    assert areas | {f"Target {grandvps.project}"} <= {each["area"] for each in findings}
    [health] = [each for each in findings if each["subject"] == "Health"]
    assert "http://web:8000/healthz" in health["says"]


async def test_at_a_terminal_init_asks_for_what_it_was_not_told(
    installed: Installed, grandvps: ComposeProject
) -> None:
    command = (
        f"docker compose run --rm opsbell init --project {grandvps.project} --output other.yaml"
    )
    # Every further question is answered with its default.
    said = await installed.installation.type(at_terminal(command), typed=f"{ADMIN}\n" + "\n" * 8)
    assert "Your Slack user ID" in said
    written = installed.installation.site
    assert (written / "other.yaml").read_text() == (written / "opsbell.yaml").read_text()


async def test_a_backup_asked_for_in_slack_lies_on_the_host_and_pg_restore_reads_it(
    installed: Installed, slack: LocalSlack, grandvps: ComposeProject
) -> None:
    site = installed.installation.site
    before = set((site / "var").rglob("manifest.json"))
    posts = {message.ts for message in slack.messages("ops")}
    assert (await slack.person(ADMIN).command("/backup now", channel="ops")).acked
    await slack.wait_for_message(
        channel="ops",
        text=f"Backup of {grandvps.project} · done",
        where=lambda message: message.ts not in posts,
        timeout=60,
    )
    [manifest] = set((site / "var").rglob("manifest.json")) - before
    assert {path.stat().st_uid for path in manifest.parent.rglob("*")} == {USER}
    tables = json.loads(manifest.read_text())["tables"]
    await restored_equals(grandvps, manifest.parent / "database.dump", tables)


async def test_a_restart_keeps_everything(installed: Installed, slack: LocalSlack) -> None:
    installation = installed.installation
    await installation.type("docker compose exec -T opsbell opsbell backup now config")
    listing = "docker compose exec -T opsbell opsbell backup list --json"
    before = json.loads(await installation.type(listing))
    assert before["backups"]
    posts = [message.ts for message in slack.messages("ops")]
    await installation.type("docker compose down && docker compose up --detach --wait")
    await slack.wait_connected()
    assert json.loads(await installation.type(listing)) == before
    assert (await slack.person(ADMIN).command("/opsbell status", channel="ops")).acked
    assert [message.ts for message in slack.messages("ops")] == posts


async def test_afterwards_each_command_does_what_is_said_beside_it(
    installed: Installed, slack: LocalSlack
) -> None:
    [block] = blocks(DOCUMENT, "## Afterwards")
    said = ""
    for command in commands(block):
        ends = read_until("opsbell started", command) if "--follow" in command else command
        said += await installed.installation.type(at_terminal(ends))
    await slack.wait_connected()
    assert "opsbell started" in said
    assert "Backup of" in said
    assert "Already up to date." in said


async def test_a_second_project_is_seen_and_reached(installed: Installed) -> None:
    directory = installed.installation.home / "other"
    variables = {"API_TOKEN": "a", "PORT": str(free_port())}
    async with running_project(directory, WEB, variables) as name:
        [override] = blocks(DOCUMENT, "## Afterwards", "yaml")
        override = override.replace("/srv/other", str(directory))
        override = override.replace("other_default", f"{name}_default")
        (installed.installation.directory / "compose.override.yaml").write_text(override)
        both = installed.installation.composed("compose.override.yaml")
        init = f"init --project {name} --admin {ADMIN} --output second.yaml"
        await both.type(f"docker compose run --rm -T opsbell {init}")
    target = load(both.site / "second.yaml", {}).target(name)
    assert isinstance(target, ComposeTarget)
    assert target.health is not None
    assert target.health.url == "http://app:8000/healthz"
    assert [str(each) for each in target.config] == [".env", "compose.yaml", "etc/app.conf"]


async def test_it_sees_and_writes_no_more_of_the_server_than_it_must(
    installed: Installed, grandvps: ComposeProject
) -> None:
    """What it could change of the clone, the next docker compose command would run."""
    installation, clone = installed.installation, installed.installation.directory
    inside = "docker compose exec -T opsbell"
    assert (await installation.type(f"{inside} ls -A {clone}")).split() == ["site"]
    for path in (clone / "compose.yaml", clone / ".env"):
        with pytest.raises(CommandFailedError, match="Permission denied"):
            await installation.type(f"{inside} touch {path}")
    # Its user's own, outside: what a deploy and maintenance have to write.
    new = grandvps.directory / "new"
    await installation.type(f"{inside} touch {new}")
    assert new.stat().st_uid == USER
    new.unlink()
    container = await inspected("container", installation.container("opsbell"))
    writable = {each["Destination"] for each in container["Mounts"] if each["RW"]}
    assert writable == {
        str(installation.site),
        str(grandvps.directory),
        "/var/run/docker.sock",
    }


async def test_the_project_can_be_mounted_to_be_read_alone(
    installed: Installed, grandvps: ComposeProject
) -> None:
    kept = replace(
        installed.installation,
        environment={**installed.installation.environment, "OPSBELL_PROJECT_READ_ONLY": "true"},
    )
    inside = "docker compose run --rm -T --entrypoint touch opsbell"
    with pytest.raises(CommandFailedError, match="Read-only file system"):
        await kept.type(f"{inside} {grandvps.directory}/new")
    check = "docker compose run --rm -T opsbell check --json 2>/dev/null || true"
    said = await until_answered(lambda: kept.type(check))
    [path] = [
        each
        for each in json.loads(said)["findings"]
        if each["subject"] == f"Path of {grandvps.project}"
    ]
    assert path["state"] == "ok"
    assert "mounted to be read" in path["says"]


async def test_git_reads_the_project_of_another_user_and_no_other_repository(
    installed: Installed, grandvps: ComposeProject
) -> None:
    other = installed.installation.site / "other"
    status = "docker compose exec -T opsbell git -C {} status"
    try:
        for place in (grandvps.directory, other):
            await run("git", "init", "--quiet", str(place))
        said = await installed.installation.type(status.format(grandvps.directory))
        assert "No commits yet" in said
        with pytest.raises(CommandFailedError, match="dubious ownership"):
            await installed.installation.type(status.format(other))
    finally:
        shutil.rmtree(grandvps.directory / ".git", ignore_errors=True)


async def test_it_runs_as_an_ordinary_user_who_can_become_nothing_else(
    installed: Installed,
) -> None:
    # A program that ended between being listed and being read is none that runs here.
    status = await installed.installation.type(
        "docker compose exec -T opsbell sh -c "
        "'for each in /proc/[0-9]*; do cat $each/status || [ ! -e $each ]; done'"
    )
    # Whatever Docker is starting here, such as the next health check, is not yet that program.
    programs = [each for each in re.split(r"^(?=Name:)", status, flags=re.MULTILINE) if each]
    ours = [each for each in programs if not each.startswith("Name:\trunc")]
    assert len(ours) >= 2
    fields = re.findall(r"^(Uid|CapEff|CapPrm|NoNewPrivs):\s+(.*)$", "".join(ours), re.MULTILINE)
    assert set(fields) == {
        ("Uid", "\t".join([str(USER)] * 4)),
        ("CapEff", "0" * 16),
        ("CapPrm", "0" * 16),
        ("NoNewPrivs", "1"),
    }
    container = await inspected("container", installed.installation.container("opsbell"))
    assert container["HostConfig"]["ReadonlyRootfs"]


async def test_no_secret_is_in_the_image_a_container_s_settings_or_a_log(
    installed: Installed, slack: LocalSlack, grandvps: ComposeProject
) -> None:
    installation = installed.installation
    secrets = [path.read_text() for path in (installation.directory / "secrets").iterdir()]
    secrets = [secret.strip() for secret in secrets if secret.strip()]
    assert len(secrets) == 4
    password = (installation.directory / "secrets/postgres_password").read_text()
    shown = [
        installed.printed,
        json.dumps(await inspected("container", installation.container("opsbell"))),
        json.dumps(await inspected("container", installation.container("opsbell-db"))),
        await run("docker", "history", "--no-trunc", "opsbell-test/opsbell:1"),
        await installation.type("docker compose logs; docker compose config"),
        (installation.site / "opsbell.yaml").read_text(),
        (installation.directory / ".env").read_text(),
    ]
    for text in shown:
        for secret in (*secrets, password, grandvps.canary):
            assert secret not in text


async def test_only_this_machine_reaches_its_port(installed: Installed) -> None:
    container = await inspected("container", installed.installation.container("opsbell"))
    published = [each for each in container["NetworkSettings"]["Ports"].values() if each]
    assert [[each["HostIp"] for each in port] for port in published] == [["127.0.0.1"]]
    database = await inspected("container", installed.installation.container("opsbell-db"))
    assert not any(database["NetworkSettings"]["Ports"].values())


async def test_any_user_may_run_it_and_git_ssh_and_docker_know_that_user(
    installed: Installed,
) -> None:
    """A user whom the image's list of users does not have."""
    script = (
        "opsbell --version && ssh -G example.org && git -C /tmp init -q && docker compose version"
        " && docker buildx version"
    )
    options = ("--rm", "--read-only", "--tmpfs", "/tmp", "--tmpfs", "/home/opsbell:mode=1777")
    said = await run(
        "docker",
        "run",
        *options,
        *("--user", "54321:54321", "--entrypoint", "sh", "opsbell-test/opsbell:1", "-c", script),
    )
    assert "user opsbell-54321" in said
