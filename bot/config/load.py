"""opsbell.yaml → settings, or every problem at once."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bot.config import report
from bot.config.base import Context
from bot.config.consistency import inconsistencies
from bot.config.document import Document, read
from bot.config.errors import ConfigurationError, Problem
from bot.config.own import with_own_target
from bot.config.settings import Settings

_DEFINING = ("roles", "targets", "checks", "runbooks")
"""The parts of a document whose keys other parts refer to."""


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read the file at `path`, with ``${NAME}`` taken from `environ`.

    Raises ConfigurationError, which holds all problems in the file's order. Relative paths in
    the file start at its directory.
    """
    document = read(_text(path), environ)
    found: list[Problem] = []
    settings = None
    if document.data is None and not document.problems:
        found.append(Problem("", 1, "an empty file", "at least one setting, such as timezone: UTC"))
    if document.data is not None:
        try:
            settings = Settings.model_validate(document.data, context=_context(document, path))
        except ValidationError as error:
            found += report.problems(Settings, error, document)
        found += inconsistencies(document)
    if settings is None or found or document.problems:
        raise ConfigurationError(path, _in_order(document.problems, found))
    return with_own_target(settings, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        expected = "a configuration (opsbell init writes one, --config names another)"
        problem = Problem("", None, "no such file", expected)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem("", line, "bytes that are not UTF-8", "text in UTF-8")
    except OSError as error:
        problem = Problem(
            "", None, error.strerror or "an error", "a file that Opsbell's user may read"
        )
    raise ConfigurationError(path, [problem])


def _context(document: Document, path: Path) -> Context:
    data = document.data if isinstance(document.data, dict) else {}
    defined = {kind: data.get(kind) for kind in _DEFINING}
    names = {k: frozenset(part if isinstance(part, dict) else ()) for k, part in defined.items()}
    return Context(path.absolute().parent, names)


def _in_order(reading: list[Problem], checking: list[Problem]) -> list[Problem]:
    """By line: all that reading found, and of what checking found the first at each other place."""
    kept = list(dict.fromkeys(reading))
    places = {(problem.path, problem.line) for problem in reading}
    for problem in checking:
        if (place := (problem.path, problem.line)) not in places:
            places.add(place)
            kept.append(problem)
    return sorted(kept, key=lambda problem: problem.line or 0)
