"""What is wrong with a configuration, said so that a person can fix it at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.errors import OpsbellError


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration.

    `path` is the dotted place in the document (``checklists.daily.items[0].check``, empty for the
    document itself), `line` counts from 1 and is None where there is none, `found` and `expected`
    are ready to be read and hold no secret.
    """

    path: str
    line: int | None
    found: str
    expected: str


class ConfigurationError(OpsbellError):
    """A configuration that cannot be used; `problems` holds every mistake, in the file's order."""

    def __init__(self, file: Path | str, problems: Iterable[Problem]) -> None:
        self.file = str(file)
        self.problems = tuple(problems)
        super().__init__("\n".join(self._line(problem) for problem in self.problems))

    def _line(self, problem: Problem) -> str:
        place = self.file if problem.line is None else f"{self.file}:{problem.line}"
        subject = f"{problem.path}: " if problem.path else ""
        return f"{place}: {subject}found {problem.found}, expected {problem.expected}"
