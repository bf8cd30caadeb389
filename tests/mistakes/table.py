"""Mistakes that newcomers make, each produced for real, and the one line that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from bot.playground import LocalSlack
from tests.parts.house import slack_environment, write_config
from tests.parts.process import ChildProcess
from tests.parts.users import OPSBELL

B = TypeVar("B", bound="Bench")


@dataclass
class Bench:
    """What a mistake is produced on: an empty directory and the local Slack; more in subclasses."""

    directory: Path
    database_url: str
    slack: LocalSlack

    def config(self, *parts: str, database_url: str = "") -> Path:
        """Writes a sound opsbell.yaml with these YAML parts added."""
        return write_config(self.directory, database_url or self.database_url, *parts)

    @property
    def env(self) -> dict[str, str]:
        """The environment in which Opsbell finds the local Slack."""
        return slack_environment(self.slack)


@dataclass(frozen=True)
class Scene:
    """A mistake made: what is typed where, and what the {placeholders} of its line stand for.

    `program` is what is started in the place of this interpreter's own Opsbell.
    """

    directory: Path
    env: Mapping[str, str]
    command: tuple[str, ...] = ("check",)
    places: Mapping[str, object] = field(default_factory=dict)
    program: tuple[str, ...] = OPSBELL


@dataclass(frozen=True)
class Mistake(Generic[B]):
    """`produce` makes it, for as long as its block is open.

    `line` is the exact line of the answer, `status` the exit status. Of `check`, `sign` is the
    finding's sign, and no other line may have it: one mistake, one line. `hidden` are texts that
    stand nowhere in the answer.
    """

    name: str
    produce: Callable[[B], AbstractAsyncContextManager[Scene]]
    line: str
    status: int = 1
    sign: str = "🔴 critical"
    hidden: tuple[str, ...] = ()


async def prove(mistake: Mistake[B], bench: B) -> None:
    """Makes the mistake, runs the program, and compares its answer and exit status."""
    async with mistake.produce(bench) as scene:
        wanted = mistake.line.format(**scene.places)
        argv = (*scene.program, *scene.command)
        async with ChildProcess(*argv, cwd=scene.directory, env=scene.env) as process:
            status = await process.wait(timeout=60)
    told = [line for line in process.output if line.startswith(mistake.sign)]
    shown = "\n".join(process.output)
    if scene.command[0] == "check" and mistake.status != 2:
        assert told == [f"{mistake.sign}  {wanted}"], shown
    else:
        assert wanted in process.output, shown
    assert "Traceback" not in shown, shown
    assert not [text for text in mistake.hidden if text in shown], shown
    assert status == mistake.status, shown
