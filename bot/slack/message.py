"""What a Slack message says, as a value; building it costs nothing and touches nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Block = Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """`text` is the full sentence that a notification shows; `blocks` what the channel shows.

    Beside blocks, `text` calls nobody whom they do not call (`limits.fit`).
    """

    text: str
    blocks: Sequence[Block] = ()

    def as_json(self) -> dict[str, Any]:
        """The form in which the database keeps it and Slack receives it."""
        return {"text": self.text, "blocks": list(self.blocks)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Message:
        """The reverse of `as_json`."""
        return cls(value["text"], tuple(value.get("blocks", ())))

    def digest(self) -> str:
        """Equal for messages that say the same."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Upload:
    """A file to be shared beside a message. `alt` describes a picture to those who can't see it."""

    name: str
    content: bytes
    title: str
    alt: str = ""
