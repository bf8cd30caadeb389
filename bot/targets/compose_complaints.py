"""What Docker Compose says against a project's files, without the values that it quotes.

Compose ends some of its messages with the very value that it does not understand, which may be a
password, and names as a variable whatever follows a `$` in one. So only forms of its messages are
let through that are known to hold no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_UNSET = re.compile(r'The \\?"(\w+)\\?" variable is not set|required variable (\w+) is missing')
_DOLLAR = "Write $$ for a $ in it."

# Form → what is told of it, and what to do where that is known. The YAML parser's own words are
# constant but for those that quote a key, a tag or an anchor.
_FORMS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(
            r"(yaml: (?:line \d+: )?(?:did not find expected|could not find expected"
            r"|found character that cannot start|found a tab character|found unexpected"
            r"|mapping values are not allowed|block sequence entries are not allowed)"
            r"[\w ,':}\]-]*)"
        ),
        "{0}",
        "",
    ),
    (
        re.compile(r'line (\d+): mapping key ".*" already defined at line (\d+)'),
        "yaml: line {0}: the key of line {1} stands there again",
        "",
    ),
    (re.compile(r"(?:yaml: )?line (\d+): .*"), "yaml: line {0}", ""),
    (
        re.compile(r"(invalid interpolation format for [\w.\[\]-]+?)\.?"),
        "{0}",
        _DOLLAR,
    ),
    (re.compile(r"(invalid interpolation format) .*"), "{0}", _DOLLAR.replace("it", "a value")),
    (
        re.compile(r"failed to read (/.+?): Invalid template: .*"),
        "invalid interpolation format in {0}",
        _DOLLAR,
    ),
    (re.compile(r"failed to read (/.+?): line (\d+): .*"), "it cannot read line {1} of {0}", ""),
    (
        re.compile(r"validating /.+?: ([\w.-]+) Additional property ([\w.-]+) is not allowed"),
        "{0} has the key {1}, which Compose does not know",
        "",
    ),
)


@dataclass(frozen=True)
class Refusal:
    """Why Compose refuses the files: `says` is a clause, "" where it cannot be told without
    what may be a secret; `todo` is what to do, "" where that is not known."""

    says: str = ""
    todo: str = ""


@dataclass(frozen=True)
class Unset:
    """Variables that are used without a value: `named` are those that stand in braces.

    What follows a `$` without braces may be the rest of a password, so of those only the places
    are told: `line 3 of compose.yaml`, or `one of the files` where none of ours has it.
    """

    named: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def refusal(errors: str) -> Refusal:
    """Why Compose refused, from what it wrote to standard error."""
    lines = [line.strip() for line in errors.splitlines()]
    for form, says, todo in _FORMS:
        for line in lines:
            if found := form.fullmatch(line):
                return Refusal(says.format(*found.groups()), todo)
    return Refusal()


def unset_variables(errors: str) -> tuple[str, ...]:
    """The names that Compose found no value for. Not to be shown before `located`."""
    # Compose tells them in no order of its own.
    return tuple(sorted({first or second for first, second in _UNSET.findall(errors)}))


def located(names: Iterable[str], files: Mapping[Path, str]) -> Unset:
    """What may be told of variables without a value, by the texts in which they stand."""
    named: list[str] = []
    places: dict[str, None] = {}
    for name in names:
        # An even number of $ before it is written for half as many of them.
        bare = re.compile(rf"(?<!\$)(?:\$\$)*\${name}\b", re.ASCII)
        found = [
            f"line {number} of {path.name}"
            for path, text in files.items()
            for number, line in enumerate(text.splitlines(), 1)
            if bare.search(line)
        ]
        if found:
            places.update(dict.fromkeys(found))
        elif any(re.search(rf"\$\{{{name}\b", text, re.ASCII) for text in files.values()):
            named.append(name)
        else:
            places["one of the files"] = None
    return Unset(tuple(named), tuple(places))
