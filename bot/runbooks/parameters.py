"""The parameters of a configured runbook: given, missing, accepted, and filled into its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.config.runbooks import Runbook
from bot.errors import UsageError
from bot.slack.text_in import nearest
from bot.words import join

_ASKED = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_-]+)\}")


def given_in(runbook: Runbook, words: Sequence[str]) -> dict[str, str]:
    """`key=value` words as parameters. Raises UsageError for what the runbook does not know."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word[:40]} is no parameter: write it as NAME=VALUE.")
        if name not in runbook.params:
            known = sorted(runbook.params)
            hint = nearest(name, known) or (
                f"It takes {join(known)}." if known else "It takes none."
            )
            raise UsageError(f"There is no parameter {name[:40]}.", hint=hint)
        if name in given:
            raise UsageError(f"{name} is given twice.")
        given[name] = value
    return given


def missing(runbook: Runbook, given: Mapping[str, str]) -> list[str]:
    """The parameters without a value, given or default."""
    return [
        name
        for name, param in runbook.params.items()
        if name not in given and param.default is None
    ]


def wrong(runbook: Runbook, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with which of the given values: name → what was expected."""
    troubles = {}
    for name, value in given.items():
        try:
            runbook.params[name].accept(value)
        except ValueError as error:
            troubles[name] = str(error)
    return troubles


def accepted(runbook: Runbook, given: Mapping[str, str]) -> dict[str, str]:
    """All parameters with their values, in the runbook's order. Raises UsageError."""
    if lacking := missing(runbook, given):
        form = " ".join(f"{name}=…" for name in lacking)
        raise UsageError(f"It needs {join(lacking)}.", hint=f"Add {form}.")
    for name, expected in wrong(runbook, given).items():
        raise UsageError(f"{name} has to be {expected}.")
    return {
        name: given[name] if name in given else str(param.default)
        for name, param in runbook.params.items()
    }


def filled(text: str, parameters: Mapping[str, str]) -> str:
    """A text with its parameters in their places: an argument, never part of a program's text."""
    return _ASKED.sub(lambda match: parameters[match[1]] if match[1] else match[0][0], text)
