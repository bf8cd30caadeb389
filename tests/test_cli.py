"""What the program says of itself, and how it ends."""

import asyncio

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from bot import cli, run_terminal
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


def test_every_slash_command_has_a_twin() -> None:
    group = get_command(cli.cli)
    assert isinstance(group, TyperGroup)
    # /opsbell's own words stand by themselves: opsbell status, not opsbell opsbell status.
    assert {*TWINS, *WORDS} <= {*group.commands}
