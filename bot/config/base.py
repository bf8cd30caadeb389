"""What every model of the configuration is built on: strictness, names, references, paths."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.config.words import one_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Model(BaseModel):
    """A frozen part of the settings that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True)
class Context:
    """What validation needs to know beyond the value: the file's directory, and which names the
    document defines (``{"checks": {"disk", …}, …}``)."""

    directory: Path
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)


def wrong(expected: str, *, secret: bool = False) -> PydanticCustomError:
    """The error of a value that is not what was `expected` (said without the value itself).

    A `secret` value is not shown as what was found either.
    """
    return PydanticCustomError("expected", "{expected}", {"expected": expected, "secret": secret})


def undefined(found: str, names: Iterable[str], kind: str) -> PydanticCustomError:
    """The error of a `found` name that is none of `names`, which are the document's `kind`."""
    known = sorted(names)
    if not known:
        return wrong(f"a name from {kind}, where none is defined")
    return wrong(one_of(known, found))


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise wrong("a name of letters, digits, - and _, at most 63")
    return value


def _reference(kind: str, *always: str, or_else: str = "") -> AfterValidator:
    """A name that the document defines as one of `kind`, or one of `always`. `or_else` is taken
    too, but not offered where another name is wrong."""

    def check(value: str, info: ValidationInfo) -> str:
        if not isinstance(info.context, Context):
            return value
        names = info.context.names.get(kind, frozenset()) | set(always)
        if value not in names and value != or_else:
            raise undefined(value, names, kind)
        return value

    return AfterValidator(check)


def located(value: Path, info: ValidationInfo) -> Path:
    """A path from the file: ``~`` is the home, a relative one starts at the file's directory."""
    path = value.expanduser()
    return info.context.directory / path if isinstance(info.context, Context) else path


def _within(value: PurePosixPath) -> PurePosixPath:
    if ".." in value.parts or value == PurePosixPath():
        raise wrong("a path without ..")
    return value


OWN = "opsbell"
"""The name under which Opsbell itself is backed up; no target may bear it."""

Name = Annotated[str, AfterValidator(_name)]
TargetName = Annotated[str, _reference("targets")]
BackedUpName = Annotated[str, _reference("targets", or_else=OWN)]
"""A target, or Opsbell itself."""

CheckName = Annotated[str, _reference("checks")]
RunbookName = Annotated[str, _reference("runbooks")]
RoleName = Annotated[str, _reference("roles", "anyone", "operator", "admin")]

LocalPath = Annotated[Path, AfterValidator(located)]
"""A path on Opsbell's own machine; a relative one starts at the configuration file's directory."""

InnerPath = Annotated[PurePosixPath, AfterValidator(_within)]
"""A path on the target: relative to its directory, or absolute; never with ``..``."""
