"""The small language in which the tables of Block Kit's rules are written.

A check is a function of a value, its JSON pointer and the list of problems to add to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that Slack refuses. `code` and `constraint` are what blocks.validate shows."""

    pointer: str
    message: str
    code: str
    constraint: Any = None

    def line(self) -> str:
        """The problem as Web API errors word it."""
        return f"{self.message} [json-pointer:{self.pointer}]"


Problems = list[Problem]
Check = Callable[[Any, str, Problems], None]
Rule = Callable[[dict[str, Any], str, Problems], None]


def string(most: int | None = None, least: int = 1, pattern: str | None = None) -> Check:
    """A string of `least` to `most` characters, wholly matching `pattern` if there is one."""
    shape = re.compile(pattern) if pattern else None

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(Problem(pointer, "must provide a string", "invalid_type"))
        elif most is not None and len(value) > most:
            message = f"must be less than {most + 1} characters"
            problems.append(Problem(pointer, message, "too_long", most))
        elif len(value) < least:
            message = f"must be more than {least - 1} characters"
            problems.append(Problem(pointer, message, "too_short", least))
        elif shape and not shape.fullmatch(value):
            problems.append(Problem(pointer, "invalid format", "invalid_format", pattern))

    return check


def choice(*allowed: Any) -> Check:
    """One of some fixed values."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if isinstance(value, bool) or value not in allowed:
            words = ", ".join(str(each) for each in allowed)
            message = f"must be a valid enum value: {words}"
            problems.append(Problem(pointer, message, "invalid_value", list(allowed)))

    return check


def boolean(value: Any, pointer: str, problems: Problems) -> None:
    """True or false."""
    if not isinstance(value, bool):
        problems.append(Problem(pointer, "must provide a boolean", "invalid_type"))


def anything(value: Any, pointer: str, problems: Problems) -> None:
    """Any value but null."""
    if value is None:
        problems.append(Problem(pointer, "must not be null", "invalid_type"))


def integer(least: int, most: int | None = None) -> Check:
    """A whole number within bounds, both included."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.append(Problem(pointer, "must provide an integer", "invalid_type"))
        elif value < least:
            message = f"must be greater than {least - 1}"
            problems.append(Problem(pointer, message, "too_small", least))
        elif most is not None and value > most:
            message = f"must be less than {most + 1}"
            problems.append(Problem(pointer, message, "too_large", most))

    return check


def listing(item: Check, most: int | None = None, least: int = 1) -> Check:
    """A list of `least` to `most` items, each of which passes `item`."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.append(Problem(pointer, "must provide an array", "invalid_type"))
            return
        if most is not None and len(value) > most:
            message = f"no more than {most} items allowed"
            problems.append(Problem(pointer, message, "too_many_items", most))
        if len(value) < least:
            message = f"no fewer than {least} items allowed"
            problems.append(Problem(pointer, message, "too_few_items", least))
        for index, each in enumerate(value):
            item(each, f"{pointer}/{index}", problems)

    return check


def shape(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Rule
) -> Check:
    """An object with these fields and no others (`type` aside), which also keeps the rules.

    The rules run only on an object whose fields are right, so they need not look again.
    """
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must provide an object", "invalid_type"))
            return
        before = len(problems)
        for name in required:
            if name not in value:
                message = f"missing required field: {name}"
                problems.append(Problem(pointer, message, "missing_field", name))
        for name, each in value.items():
            if name in known:
                known[name](each, f"{pointer}/{name}", problems)
            elif name != "type":
                message = f"invalid additional property: {name}"
                problems.append(Problem(pointer, message, "unknown_field", name))
        if len(problems) == before:
            for rule in rules:
                rule(value, pointer, problems)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """An object that its `type` tells apart from others."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must provide an object", "invalid_type"))
            return
        kind = value.get("type")
        if kind is None:
            message = "missing required field: type"
            problems.append(Problem(pointer, message, "missing_field", "type"))
        elif not isinstance(kind, str) or kind not in kinds:
            message = f"unsupported type: {kind}"
            problems.append(Problem(f"{pointer}/type", message, "unsupported_type", sorted(kinds)))
        else:
            kinds[kind](value, pointer, problems)

    return check


def exactly_one_of(*names: str) -> Rule:
    """Exactly one of these fields is there."""

    def rule(value: dict[str, Any], pointer: str, problems: Problems) -> None:
        if sum(name in value for name in names) != 1:
            message = f"must define exactly one of: {', '.join(names)}"
            problems.append(Problem(pointer, message, "one_of", list(names)))

    return rule


def at_least_one_of(*names: str) -> Rule:
    """At least one of these fields is there."""

    def rule(value: dict[str, Any], pointer: str, problems: Problems) -> None:
        if not any(name in value for name in names):
            message = f"must define at least one of: {', '.join(names)}"
            problems.append(Problem(pointer, message, "one_of", list(names)))

    return rule
