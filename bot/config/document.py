"""YAML text → plain data, with the line of every value and `${NAME}` replaced.

Every plain scalar stays text (the settings turn it into numbers and switches where they want
one), so ``on`` is no boolean, ``1:30`` no sexagesimal number and ``0049`` keeps its zeros. An
empty value, ``~`` and ``null`` mean that the key is not there.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from bot.config.errors import Problem
from bot.config.words import one_of, quoted

Path: TypeAlias = tuple[str | int, ...]
Data: TypeAlias = "str | list[Data] | dict[str, Data] | None"

_NULLS = ("", "~", "null", "Null", "NULL")
_VALID = 'valid YAML (quotes around a text that holds ": " or begins with { [ * & ! | > % @ `)'
_SYNTAX = {
    "mapping values are not allowed": 'a ": " where none can stand',
    "sequence entries are not allowed": 'a "- " where none can stand',
    "could not find expected ':'": "a key without a colon",
}
_CLOSING = {"{": "}", "[": "]", '"': '"', "'": "'"}
_REFERENCE = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_]\w*)(?P<default>:-[^}]*)?\}|\$\{"
)

# A reference as a value of its own, which YAML reads as the beginning of a mapping.
_BARE = re.compile(r"[:,\[{-]\s+(\$\{[^}]*\})")


@dataclass
class Document:
    """The data of one file, the line of each place in it, and the texts as they stand in the file.

    `written` holds the text before `${NAME}` was replaced, where there was something to replace:
    what is shown of a value must not come from the environment.
    """

    data: Data = None
    lines: dict[Path, int] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


MOST_VALUES = 100_000
"""Aliases of aliases can stand for any number of values in a few lines."""


def dotted(path: Path) -> str:
    """A place as people write it: ``checklists.daily.items[0].check``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(text: str, environ: Mapping[str, str]) -> Document:
    """Parse one YAML document; what is wrong with it is in the result's `problems`."""
    document = Document()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(error, text))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        document.problems.append(Problem("", line, "an unprintable character", "YAML text"))
    except RecursionError:
        document.problems.append(Problem("", None, "values nested too deeply", _VALID))
    else:
        if root is not None:
            _fill(document, root, environ)
    return document


def _fill(document: Document, root: yaml.Node, environ: Mapping[str, str]) -> None:
    try:
        document.data = _Reader(document, environ).value(root, ())
    except RecursionError:
        document.problems.append(Problem("", None, "values nested too deeply", _VALID))
    except _TooMuchError:
        found = f"more than {MOST_VALUES} values, counted through the aliases"
        document.problems.append(Problem("", None, found, "fewer"))


def _syntax_problem(error: yaml.MarkedYAMLError, document: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    # PyYAML's mark of the end may be a line behind the last.
    at = "".join(document.splitlines()[line - 1 : line]) if line else ""
    text = (error.problem or "").replace(repr("\0"), "the end of the file")
    if bare := _BARE.search(at):
        return Problem("", line, f"{bare[1]} without quotes", f'"{bare[1]}"')
    if opened := _unclosed(error, document):
        sign, closing = document[opened.index], _CLOSING[document[opened.index]]
        return Problem("", opened.line + 1, f"a {sign} that is never closed", f"a {closing} for it")
    if "'\\t'" in text:
        return Problem("", line, "a tab", "spaces for indentation")
    for beginning, found in _SYNTAX.items():
        if text.startswith(beginning):
            return Problem("", line, found, _VALID)
    if halves := re.fullmatch(r"expected (.+), but (?:got|found) (.+)", text):
        return Problem("", line, halves[2], halves[1])
    return Problem("", line, text.removeprefix("but ").removeprefix("found "), _VALID)


def _unclosed(error: yaml.MarkedYAMLError, document: str) -> yaml.Mark | None:
    """Where the quote or the innermost bracket stands that was open when the text ended."""
    if error.context == "while scanning a quoted scalar":
        return error.context_mark
    if "'<stream end>'" not in (error.problem or ""):
        return None
    opened: list[yaml.Mark] = []
    for token in yaml.scan(document):
        if isinstance(token, yaml.FlowMappingStartToken | yaml.FlowSequenceStartToken):
            opened.append(token.start_mark)
        elif isinstance(token, yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken):
            opened.pop()
    return opened[-1] if opened else None


class _TooMuchError(Exception):
    """The values stand for more of them than any configuration has."""


class _Reader:
    """Walks the node graph once, keeping lines and gathering problems."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._open: set[int] = set()
        self._seen = 0

    def value(self, node: yaml.Node, path: Path) -> Data:
        self._seen += 1
        if self._seen > MOST_VALUES:
            raise _TooMuchError
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._problem(path, "an alias inside its own anchor", "a value")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, path: Path) -> Data:
        data: dict[str, Data] = {}
        first: dict[Hashable, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(path, "a key that is a list or a mapping", "a name", key_node)
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            place = (*path, key)
            if key in first:
                found = f"{quoted(key)} a second time (first on line {first[key]})"
                self._problem(place, found, "each key once", key_node)
                continue
            first[key] = line
            self._document.lines[place] = line
            value = self.value(value_node, place)
            if value is not None:
                data[key] = value
        return data

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | None:
        text = str(node.value)
        if node.style is None and text in _NULLS:
            return None
        if "${" not in text:
            return text
        self._document.written[path] = text
        return _REFERENCE.sub(lambda match: self._replace(match, path), text)

    def _replace(self, match: re.Match[str], path: Path) -> str:
        if match["escaped"]:
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            self._problem(path, '"${"', one_of(["${NAME}", "${NAME:-default}", "$${ for ${"]))
            return match[0]
        value = self._environ.get(name)
        if default is not None:
            return value or default.removeprefix(":-")
        if value is None:
            expected = f"the environment variable {name} to be set, or ${{{name}:-default}}"
            self._problem(path, quoted(match[0]), expected)
            return match[0]
        return value

    def _problem(
        self, path: Path, found: str, expected: str, node: yaml.Node | None = None
    ) -> None:
        line = node.start_mark.line + 1 if node else self._document.lines.get(path)
        self._document.problems.append(Problem(dotted(path), line, found, expected))
