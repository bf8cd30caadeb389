"""The one way a Web API method says no."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


class SlackError(Exception):
    """A refusal with Slack's own error code and whatever else its answer carries."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def body(self) -> JSON:
        """The answer as the Web API sends it (HTTP status 200, `ok` false)."""
        return {"ok": False, "error": self.code, **self.details}

    @classmethod
    def invalid_arguments(cls, *messages: str) -> SlackError:
        """`invalid_arguments` with one `[ERROR] …` line per message."""
        lines = [f"[ERROR] {message}" for message in messages]
        return cls("invalid_arguments", response_metadata={"messages": lines})

    @classmethod
    def missing_scope(cls, needed: str, provided: str) -> SlackError:
        """`missing_scope`, naming what the method needs and what the token has."""
        return cls("missing_scope", needed=needed, provided=provided)
