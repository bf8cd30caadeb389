"""The Web API's wire format: arguments from the query, a form or JSON, in one shape."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.playground.errors import JSON, SlackError


class Args:
    """The arguments of one call. Nulls count as absent; lists and objects may come as JSON text."""

    def __init__(self, values: JSON) -> None:
        self.values = {key: value for key, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def require(self, *names: str) -> None:
        """Raise `invalid_arguments` naming every argument of these that is missing or empty."""
        missing = [name for name in names if self.values.get(name) in (None, "")]
        if missing:
            raise SlackError.invalid_arguments(
                *(f"missing required field: {name}" for name in missing)
            )

    def text(self, name: str, default: str = "") -> str:
        """A string. Raises `invalid_arguments` for anything that is not plain text."""
        value = self.values.get(name, default)
        if isinstance(value, (dict, list, bool)):
            raise SlackError.invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean, which may arrive as true, "true", "1", 1 and their opposites."""
        value = self.values.get(name, default)
        return value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, *, error: str = "invalid_arguments") -> int:
        """An integer. Raises SlackError(`error`) for anything else."""
        try:
            return int(self.values.get(name, default))
        except (TypeError, ValueError):
            raise SlackError(error) from None

    def structure(self, name: str, error: str) -> Any:
        """A list or object, given as such or as JSON text. Raises SlackError(`error`)."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value else None
            except ValueError:
                raise SlackError(error) from None
        if value is not None and not isinstance(value, (dict, list)):
            raise SlackError(error)
        return value

    def names(self, name: str) -> list[str]:
        """A list of strings, which may arrive joined with commas."""
        value = self.values.get(name, "")
        if isinstance(value, list):
            return [str(item) for item in value]
        return [item.strip() for item in str(value).split(",") if item.strip()]


async def read_args(request: web.Request) -> Args:
    """Everything the request says, wherever it says it. Raises SlackError: invalid_json."""
    values: JSON = dict(request.query)
    if request.content_type == "application/json":
        values |= await _json_object(request)
    elif request.can_read_body:
        form = await request.post()
        values |= {key: value for key, value in form.items() if isinstance(value, str)}
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer" and token:
        values["token"] = token
    return Args(values)


async def _json_object(request: web.Request) -> JSON:
    try:
        body = await request.json()
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
