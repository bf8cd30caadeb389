"""What no single value can show: parts of the document that do not fit each other.

This looks at the document's data, not at the settings, so that these problems are found together
with all others; what has a wrong shape is left to the models to refuse.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.config.access import ANYONE, DEFAULT_ACCESS
from bot.config.base import OWN
from bot.config.document import Document, Path, dotted
from bot.config.errors import Problem
from bot.config.report import line
from bot.config.runbooks import Runbook
from bot.config.words import nearest, one_of, quoted

_OWN_TARGET = {"database": "its own", "config": "its own"}
_WITHOUT_APPROVALS = ("checklist", "opsbell")


def inconsistencies(document: Document) -> Iterator[Problem]:
    """Every such problem of the document."""
    data = _mapping(document.data)
    for path, found, expected in (
        *_included(data),
        *_checked(data),
        *_stepped(data),
        *_restored(data),
        *_repeated_items(data),
        *_unasked_approvals(data),
    ):
        yield Problem(dotted(path), line(document, path), found, expected)


_Finding = tuple[Path, str, str]


def _mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at a place, empty where there is none."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _entries(value: Any, *path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, _mapping(entry)) for name, entry in _mapping(value, *path).items())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _included(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """A backup includes what its target has."""
    for name, policy in _entries(data, "backups"):
        target = _OWN_TARGET if name == OWN else _mapping(data, "targets", name)
        parts = [part for part in ("database", "config") if target.get(part)]
        parts += _mapping(target, "files")
        for i, part in enumerate(_list(policy.get("include"))):
            if target and isinstance(part, str) and part not in parts:
                expected = f"what {name} has: {', '.join(parts)}" if parts else "a target with data"
                yield ("backups", name, "include", i), quoted(part), expected + nearest(part, parts)


def _checked(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """A check reads what its target has."""
    for name, check in _entries(data, "checks"):
        kind, wanted = check.get("kind"), check.get("target")
        target = _OWN_TARGET if wanted == OWN else _mapping(data, "targets", str(wanted))
        if not target:
            continue
        place = ("checks", name, "target")
        if kind == "sql" and "database" not in target:
            yield place, quoted(str(wanted)), "a target with a database"
        if kind == "backup_age" and wanted not in _mapping(data, "backups"):
            yield place, quoted(str(wanted)), "a target with backups"
        service, services = check.get("service"), _mapping(target, "services")
        if kind == "logs" and target.get("runtime") == "host" and isinstance(service, str):
            logged = [key for key, entry in services.items() if _mapping(entry).get("logs")]
            if service not in logged:
                expected = one_of(logged) if logged else f"a service of {wanted} with logs"
                yield ("checks", name, "service"), quoted(service), expected


def _stepped(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """A step of a runbook does what its target can."""
    for name, runbook in _entries(data, "runbooks"):
        wanted = str(runbook.get("target"))
        target = _mapping(data, "targets", wanted)
        lacking = {
            "sql": "database" not in target and f"a database in {wanted}",
            "maintenance": "maintenance" not in target and f"a maintenance file in {wanted}",
            "compose": target.get("runtime") == "host" and "a target that Compose or Swarm runs",
            "backup": wanted not in _mapping(data, "backups") and f"backups of {wanted}",
            "restore": wanted not in _mapping(data, "backups") and f"backups of {wanted}",
        }
        for i, step in enumerate(_list(runbook.get("steps")) if target else ()):
            for kind, expected in lacking.items():
                if expected and kind in _mapping(step):
                    yield ("runbooks", name, "steps", i, kind), "such a step", expected


def _restored(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """Nobody restores by a runbook what /restore would refuse them."""
    default = DEFAULT_ACCESS["restore"].role
    wanted = _mapping(data, "access", "restore").get("role", default)
    for name, runbook in _entries(data, "runbooks"):
        role = runbook.get("role", Runbook.model_fields["role"].default)
        restores = any("restore" in _mapping(step) for step in _list(runbook.get("steps")))
        if restores and wanted not in (role, ANYONE):
            expected = f"{wanted}, as access.restore: it restores"
            yield ("runbooks", name, "role"), quoted(str(role)), expected


def _repeated_items(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """The items of a checklist are told apart by their text."""
    for name, checklist in _entries(data, "checklists"):
        seen: set[str] = set()
        for i, item in enumerate(_list(checklist.get("items"))):
            text = item if isinstance(item, str) else _mapping(item).get("text")
            if isinstance(text, str) and text in seen:
                yield ("checklists", name, "items", i), quoted(text), "a text not used above"
            if isinstance(text, str):
                seen.add(text)


def _unasked_approvals(data: Mapping[str, Any]) -> Iterator[_Finding]:
    """An approval that nobody would ask for is refused, not passed over."""
    for name, rule in _entries(data, "access"):
        approvals = rule.get("approvals")
        if name in _WITHOUT_APPROVALS and str(approvals or 0) != "0":
            expected = f"0 (/{name} asks for no approvals)"
            yield ("access", name, "approvals"), quoted(str(approvals)), expected
