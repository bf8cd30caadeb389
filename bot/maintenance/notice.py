"""What the maintenance file says. The application asks whether the file is there; people and the
snippets in `docs/` read what stands in it. One made by hand (`touch`) says nothing, and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_HEADING = "# Put here by Opsbell. While this file exists, {target} is in maintenance."
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Notice:
    """The contents: lines of `key: value`, in this order, those that are empty left out.

    `by` is an actor. `allow` are networks whose visitors are let through, in CIDR notation.
    `operation` is the one that put the file here: what it undoes is its own file and nobody
    else's. `before` says that a file made by hand was there already.
    """

    target: str = ""
    reason: str = ""
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None
    allow: tuple[str, ...] = ()
    operation: int = 0
    before: bool = False

    def text(self) -> str:
        """The file's contents."""
        values = {
            "target": self.target,
            "reason": self.reason,
            "by": self.by,
            "since": _written(self.since),
            "until": _written(self.until),
            "allow": " ".join(self.allow),
            "operation": str(self.operation or ""),
            "before": "yes" if self.before else "",
        }
        lines = [f"{key}: {one_line(value)}" for key, value in values.items() if value]
        return "\n".join([_HEADING.format(target=self.target), *lines]) + "\n"

    @classmethod
    def read(cls, text: str) -> Notice:
        """The reverse of `text`. What cannot be understood is left out: anyone may edit a file."""
        values = _values(text)
        operation = values.get("operation", "")
        return cls(
            target=values.get("target", ""),
            reason=values.get("reason", ""),
            by=values.get("by", ""),
            since=_moment(values.get("since", "")),
            until=_moment(values.get("until", "")),
            allow=tuple(values.get("allow", "").split()),
            operation=int(operation) if operation.isascii() and operation.isdigit() else 0,
            before=values.get("before") == "yes",
        )


def one_line(text: str) -> str:
    """A text as one line: a reason may not add lines that let somebody through."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _values(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _written(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(_TIME) if moment else ""


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
