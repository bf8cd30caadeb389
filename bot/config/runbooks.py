"""Runbooks: named lists of steps with typed parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from bot.config.base import Model, Name, RoleName, TargetName, undefined, wrong
from bot.config.document import Path
from bot.config.steps import Condition, Step, placeholders
from bot.config.values import Regex, Text

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_LONGEST = 500


class Param(Model):
    """What is asked before a runbook runs; without `default` it must be given."""

    type: Literal["text", "integer", "boolean", "choice"] = "text"
    title: Text | None = None
    choices: tuple[Text, ...] = ()
    pattern: Regex | None = None
    default: str | None = None

    def accept(self, given: str) -> str:
        """`given` as the argument it becomes; ValueError says what was expected instead.

        A text that begins with a dash would be read as an option by the program it is given to:
        it is accepted only where a `pattern` allows it.
        """
        if len(given) > _LONGEST:
            raise ValueError(f"a text of at most {_LONGEST} characters")
        if self.type == "choice" and given not in self.choices:
            raise ValueError(f"one of: {', '.join(self.choices)}")
        if self.type == "integer" and not _INTEGER.fullmatch(given):
            raise ValueError("a whole number")
        if self.type == "boolean" and given not in ("true", "false"):
            raise ValueError("true or false")
        if self.type == "text" and self.pattern and not re.fullmatch(self.pattern, given):
            raise ValueError(f"a text that matches {self.pattern}")
        if self.type == "text" and not self.pattern and given.startswith("-"):
            raise ValueError("a text that does not begin with a dash")
        if self.type == "text" and not given.isprintable():
            raise ValueError("a single line without control characters")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "Param":
        if (self.type == "choice") != bool(self.choices):
            raise wrong("choices with type choice, and only there")
        if self.pattern and self.type != "text":
            raise wrong("a pattern with type text only")
        if self.default is not None:
            try:
                self.accept(self.default)
            except ValueError as error:
                raise wrong(f"as default {error}") from None
        return self


class Runbook(Model):
    """A procedure that changes the world, for people who hold `role`."""

    title: Annotated[str, Field(min_length=1, max_length=140)]
    target: TargetName | None = None
    role: RoleName = "admin"
    params: Mapping[Name, Param] = {}
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _params_exist(self) -> "Runbook":
        errors = [
            InitErrorDetails(type=undefined(name, self.params, "params"), loc=place, input=name)
            for place, name in self._asked()
            if name not in self.params
        ]
        if errors:
            raise ValidationError.from_exception_data(self.title, errors, hide_input=True)
        return self

    def _asked(self) -> Iterator[tuple[Path, str]]:
        """Every use of a parameter, each with its place."""
        for i, step in enumerate(self.steps):
            for place, text in step.texts():
                for name in placeholders(text):
                    yield ("steps", i, *place), name
            facts: dict[str, Condition | None] = {"if": step.if_, "unless": step.unless}
            for key, fact in facts.items():
                for name in (fact and fact.param) or ():
                    yield ("steps", i, key, "param", name), name
