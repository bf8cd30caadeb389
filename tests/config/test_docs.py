"""docs/configuration.md and the models name the same keys."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from bot.config import Settings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
TABLE = r"^\| key \| kind \| default .*\n(?:\|.*\n)+"


def documented() -> dict[str, set[str]]:
    """Section of the page → the keys in its tables with a `default` column."""
    sections: dict[str, set[str]] = {}
    for section in re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        heading = re.match(r"`([^`]+)`", section)
        if not heading:
            continue
        keys: set[str] = set()
        for table in re.findall(TABLE, section, re.MULTILINE):
            keys |= set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
        sections[heading[1]] = keys
    return sections


def modelled() -> dict[str, set[str]]:
    """The same from the models: keys of all models that a place may hold."""
    sections: dict[str, set[str]] = defaultdict(set)
    for place, model in places(Settings, ""):
        sections[place or "(root)"] |= {f.alias or n for n, f in model.model_fields.items()}
    return sections


def places(model: type[BaseModel], place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield place, model
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in ("undo", "unless"):  # a list of steps again; the same as `if`
            continue
        yield from inside(field.annotation, f"{place}.{key}".lstrip("."))


def inside(annotation: Any, place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    arguments = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from places(annotation, place)
    elif get_origin(annotation) is Annotated:
        yield from inside(arguments[0], place)
    elif get_origin(annotation) in (Union, UnionType):
        for member in arguments:
            yield from inside(member, place)
    elif get_origin(annotation) is Mapping:
        key = {"access": "COMMAND", "backups": "TARGET"}.get(place, "NAME")
        yield from inside(arguments[1], f"{place}.{key}")
    elif get_origin(annotation) is tuple:
        yield from inside(arguments[0], f"{place}[]")


def test_the_walk_reaches_all_depths() -> None:
    found = modelled()
    assert "ref" in found["runbooks.NAME.steps[].git"]
    assert {"swarm", "compose", "services"} <= found["targets.NAME"]
    assert len(found) > 30


def test_every_key_is_documented_where_it_stands_and_no_other() -> None:
    assert documented() == modelled()
