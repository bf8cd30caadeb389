"""Pydantic's errors → problems that a person can act on, without a secret in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from bot.config.base import Model
from bot.config.document import Document, Path, dotted
from bot.config.errors import Problem
from bot.config.redact import Redactor, is_secret_name
from bot.config.secret import HIDDEN
from bot.config.settings import Settings
from bot.config.shape import keys_of, place
from bot.config.words import one_of, quoted

_EXPECTED = {
    "string_type": "text",
    "string_too_short": "a text that is not empty",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of usual size",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "dict_type": "a mapping (name: value)",
    "mapping_type": "a mapping (name: value)",
    "model_type": "a mapping (name: value)",
    "model_attributes_type": "a mapping (name: value)",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "a number above {}"),
    "greater_than_equal": ("ge", "a number from {} up"),
    "less_than": ("lt", "a number below {}"),
    "less_than_equal": ("le", "a number up to {}"),
    "string_too_long": ("max_length", "a text of at most {} characters"),
    "too_short": ("min_length", "a list of {} or more"),
    "too_long": ("max_length", "a list of at most {}"),
    "string_pattern_mismatch": ("pattern", "a text that matches {}"),
}
_REDACTOR = Redactor(())


def problems(model: type[Model], error: ValidationError, document: Document) -> Iterator[Problem]:
    """Each error of validating `document` as `model`."""
    for detail in error.errors(include_url=False):
        where = place(model, detail["loc"])
        path, kind, context = where.path, detail["type"], detail.get("ctx", {})
        if kind in ("union_tag_not_found", "union_tag_invalid"):
            path = (*path, context["discriminator"].strip("'"))
        if kind == "too_short" and context["min_length"] <= _length(_value(document, path)):
            continue  # long enough, but for items that are wrong themselves
        if kind == "extra_forbidden":
            key = str(path[-1])
            found, expected = quoted(key), _instead(path, key, where.keys)
        elif where.is_key:
            found, expected = quoted(str(path[-1])), _expected(kind, context, None)
        else:
            found = _found(document, path, hidden=context.get("secret", False))
            value = document.written.get(path, _value(document, path))
            expected = _expected(kind, context, value)
        yield Problem(dotted(path), line(document, path), found, expected)


def _instead(path: Path, key: str, keys: tuple[str, ...]) -> str:
    """The keys there are in the place of an unknown one, or where that one belongs."""
    if path[0] == "slack" and is_secret_name(key):
        return "none here: SLACK_BOT_TOKEN and the like come from the environment"
    if len(path) == 1 and (parents := _parents(key)):
        return f"it inside {parents[0]}: {parents[0]}.{key}"
    return one_of(keys, key)


def _parents(key: str) -> list[str]:
    """The parts of the settings that have a key of that name directly inside."""
    return [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, Model)
        and key in keys_of(field.annotation)
    ]


def line(document: Document, path: Path) -> int | None:
    """The line of a place, or of the nearest place around it that is in the file."""
    while path not in document.lines and path:
        path = path[:-1]
    return document.lines.get(path)


def _expected(kind: str, context: Mapping[str, Any], value: object) -> str:
    if kind == "expected":
        return str(context["expected"])
    if kind == "missing":
        return "a value, which has no default"
    if kind == "literal_error":
        return _choices(str(context["expected"]).replace(" or ", ", "), value)
    if kind == "union_tag_invalid":
        return _choices(str(context["expected_tags"]), value)
    if kind == "union_tag_not_found":
        return "a value, which has no default"
    if kind in ("tuple_type", "list_type") and isinstance(value, str):
        return f"a list: [{', '.join(_REDACTOR.redact(value).split())}]"
    if kind in _BOUNDS:
        key, sentence = _BOUNDS[kind]
        bound = context[key]
        return sentence.format(f"{bound:g}" if isinstance(bound, float) else bound)
    return _EXPECTED.get(kind, "another value")


def _choices(listed: str, value: object) -> str:
    names = [name.strip("'") for name in listed.split(", ")]
    return one_of(names, value if isinstance(value, str) else "")


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _standing(document: Document, path: Path) -> tuple[Path, object]:
    """What the file has at a place, or the text around it that is short for a mapping."""
    here: Any = document.data
    for depth, part in enumerate(path):
        if isinstance(here, str):
            return path[:depth], here
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return path, None
    return path, here


def _value(document: Document, path: Path) -> object:
    return _standing(document, path)[1]


def _found(document: Document, path: Path, *, hidden: bool) -> str:
    """What stands at a place, as it stands in the file; secrets and what may be one are hidden."""
    standing, value = _standing(document, path)
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if standing in document.written:
        return quoted(document.written[standing])
    names = [part for part in path if isinstance(part, str)]
    if hidden or (names and is_secret_name(names[-1])):
        return HIDDEN
    return quoted(_REDACTOR.redact(str(value)))
