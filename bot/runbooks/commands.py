"""Runs the command of a step: its output line by line, its end proven, whoever dies meanwhile."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Mapping, Sequence

from bot.backups.processes import LINES_SHOWN, failure
from bot.errors import NotFound
from bot.operations.model import StepContext
from bot.targets.marked import marked
from bot.targets.model import Target
from bot.targets.text import storable

LONGEST_LINE = 64 * 1024
SHOWN_OF_A_LINE = 4000

_NO_SUCH_PROGRAM = 127


def mark_of(context: StepContext) -> str:
    """What a step's processes and database sessions are found by.

    As long as PostgreSQL lets a session's name be, and the same after a restart; no step's mark is
    the beginning of another's.
    """
    return f"opsbell step {context.step.position} of {context.operation.tag}"


async def run_command(
    target: Target,
    context: StepContext,
    argv: Sequence[str],
    *,
    service: str | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    name: str = "",
) -> str:
    """Runs a command to its end and gives its output on as it comes; its last line, redacted.

    Raises NotFound where there is no such program, Failed with the last lines where it ends with
    another exit status than 0, and what `Target.process` raises. A cancellation ends it.
    """
    lines = Lines(target)
    async with target.process(
        marked(argv, mark_of(context)), service=service, environment=environment, stdin=bool(stdin)
    ) as process:
        if stdin:
            await process.write(stdin)
            await process.end_input()
        async for chunk in process.chunks():
            if whole := lines.add(chunk):
                await context.output(whole)
        if rest := lines.end():
            await context.output(rest)
        status = await process.wait()
    program = name or argv[0]
    if status == _NO_SUCH_PROGRAM and lines.last and "not found" in lines.last[-1]:
        where = f"the service {service}" if service else "this machine"
        raise NotFound(f"The program {argv[0]} is not on {where}.")
    if status:
        raise failure(target, program, status, "\n".join(lines.last))
    return target.redact(lines.last[-1]).strip() if lines.last else ""


class Lines:
    """Whole lines out of pieces of output.

    A carriage return ends a line too: progress bars write themselves over. What is longer than
    LONGEST_LINE is cut, once what is secret in it is hidden.
    """

    def __init__(self, target: Target) -> None:
        self.last: deque[str] = deque(maxlen=LINES_SHOWN)
        self._target = target
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def add(self, data: bytes) -> str:
        """Takes the next piece; the lines that it ends, each with its line end."""
        text = self._rest + self._decoder.decode(data).replace("\r\n", "\n").replace("\r", "\n")
        *whole, self._rest = text.split("\n")
        # Of a line that never ends, the beginning is kept.
        self._rest = self._rest[:LONGEST_LINE]
        return self._keep(whole)

    def end(self) -> str:
        """What follows the last line end, as a line."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return self._keep([rest]) if rest else ""

    def _keep(self, whole: list[str]) -> str:
        shown = [self._short(line) for line in whole if line.strip()]
        self.last.extend(shown)
        return "".join(f"{line}\n" for line in shown)

    def _short(self, line: str) -> str:
        if len(line) > SHOWN_OF_A_LINE:
            line = self._target.redact(line)[:SHOWN_OF_A_LINE] + " …"
        return storable(line)
