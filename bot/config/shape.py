"""Where an error of pydantic's lies in the document, and which model it lies in.

Pydantic puts the tags of unions among the parts of a location; following the location through
the models' own annotations tells them from keys of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from bot.config.base import Model
from bot.config.document import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the document: the keys that the mapping around its last part may have, and
    whether that part's name is meant rather than its value."""

    path: Path
    keys: tuple[str, ...]
    is_key: bool


def place(model: type[Model], location: Path) -> Place:
    """Follow `location`, as pydantic gives it, from `model`."""
    path: list[str | int] = []
    keys: tuple[str, ...] = ()
    here: Any = model
    for part in location:
        here = _plain(here)
        chosen = _tagged(here, part)
        if chosen is not None:
            here = chosen
            continue
        if part == "[key]":
            continue
        keys = keys_of(here)
        path.append(part)
        here = _inside(here, part)
    return Place(tuple(path), keys, location[-1:] == ("[key]",))


def _plain(annotation: Any) -> Any:
    """The annotation without its metadata, and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    members = [member for member in _members(annotation) if member is not type(None)]
    return _plain(members[0]) if len(members) == 1 else annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()


def _tagged(annotation: Any, tag: str | int) -> Any:
    """The member of a union of models that the tag chooses, else None."""
    for member in _members(annotation):
        for field in member.model_fields.values():
            if get_origin(field.annotation) is Literal and tag in get_args(field.annotation):
                return member
    return None


def keys_of(annotation: Any) -> tuple[str, ...]:
    """The keys of a model as the document writes them; none for anything else."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tuple(field.alias or name for name, field in annotation.model_fields.items())
    return ()


def _inside(annotation: Any, part: str | int) -> Any:
    """The annotation of what lies under `part`; None where nothing is known to."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return next((f.annotation for name, f in fields if part in (name, f.alias)), None)
    arguments = get_args(annotation)
    if get_origin(annotation) in (Mapping, dict) and len(arguments) == 2:
        return arguments[1]
    return arguments[0] if get_origin(annotation) is tuple and arguments else None
