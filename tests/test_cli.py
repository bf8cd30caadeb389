"""What the program says of itself, and how it ends."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from bot import cli, run_terminal
from bot.cli_options import WITHOUT_CONFIG
from bot.cli_twins import TWINS
from commands.opsbell import WORDS


def test_a_task_that_fails_when_all_has_ended_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def late() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError from None

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(run_terminal._one_line_at_the_end)
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(main())
    # A collected leftover of another test may be logged at any time.
    [record] = [each for each in caplog.records if each.name == "opsbell"]
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert vars(record)["error"] == "ConnectionError()"


def test_help_is_a_command_too() -> None:
    runner = CliRunner()
    asked, flagged = (runner.invoke(cli.cli, words) for words in (["help"], ["--help"]))
    assert (asked.exit_code, asked.stdout) == (0, flagged.stdout)
    assert "restore" in asked.stdout
    one = runner.invoke(cli.cli, ["help", "restore", "--config", "anywhere.yaml"])
    assert "--break-glass" in one.stdout
    unknown = runner.invoke(cli.cli, ["help", "restroe"])
    assert unknown.exit_code == 2
    assert "There is no command restroe. Did you mean restore?" in unknown.output


def commands() -> Mapping[str, object]:
    group = get_command(cli.cli)
    assert isinstance(group, TyperGroup)
    return group.commands


def test_every_slash_command_has_a_twin() -> None:
    # /opsbell's own words stand by themselves, opsbell status, and behind its name.
    assert {*TWINS, *WORDS} <= {*commands()}
    own = commands()["opsbell"]
    assert isinstance(own, TyperGroup)
    assert {*own.commands} == {*WORDS}
    runner = CliRunner()
    asked, same = (runner.invoke(cli.cli, words) for words in (["help"], ["opsbell", "help"]))
    assert (same.exit_code, same.stdout) == (0, asked.stdout)
    assert "\n  opsbell" not in asked.stdout


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--config", "a.yaml", "backup", "list"], "a.yaml"),
        (["--config", "a.yaml", "backup", "list", "--config", "b.yaml"], "b.yaml"),
        (["backup", "list", "--config", "b.yaml"], "b.yaml"),
        (["--config", "a.yaml", "opsbell", "status"], "a.yaml"),
        (["--config", "a.yaml", "operation", "7"], "a.yaml"),
        (["status"], "env.yaml"),
    ],
)
def test_the_configuration_may_be_named_before_the_command(words: list[str], read: str) -> None:
    result = CliRunner().invoke(cli.cli, words, env={"OPSBELL_CONFIG": "env.yaml"})
    assert result.exit_code == 2
    assert result.output.startswith(f"{read}: found no such file"), result.output


def test_a_configuration_is_not_lost_on_a_command_that_reads_none() -> None:
    for name in commands():
        result = CliRunner().invoke(cli.cli, ["--config", "a.yaml", name, "--help"])
        assert result.exit_code == (2 if name in WITHOUT_CONFIG else 0), name
        if name not in ("opsbell", *WITHOUT_CONFIG):
            assert "OPSBELL_CONFIG" in result.output, name
    assert CliRunner().invoke(cli.cli, ["--config", "a.yaml"]).exit_code == 2


def test_what_is_wrong_with_a_configuration_is_told_to_scripts(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    path.write_text("timezone: Mars\nhttp: {listen: here}\n")
    result = CliRunner().invoke(cli.cli, ["check", "--json", "--config", str(path)])
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert [(each["path"], each["line"]) for each in told["problems"]] == [
        ("timezone", 1),
        ("http.listen", 2),
    ]
    assert {*told["problems"][0]} == {"path", "line", "found", "expected"}
    plain = CliRunner().invoke(cli.cli, ["check", "--config", str(path)])
    assert (plain.exit_code, "opsbell.yaml:1: timezone: found" in plain.output) == (2, True)
