"""Which backup `latest` means when something is to be restored."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import words
from bot.backups.model import BackupSet, Manifest
from bot.errors import NotFound
from bot.restores.model import RUNBOOK, UNDO_RUNBOOK
from bot.words import Sign

_NAMED = 3
_OF_BROKEN = re.compile(f"before ({RUNBOOK}|{UNDO_RUNBOOK})( in .*)?")
"""Why safety backups are taken of what a restore is to replace: what is broken, as a rule."""


def latest(
    target: str, sets: Sequence[BackupSet], parts: Sequence[str]
) -> tuple[BackupSet, tuple[str, ...]]:
    """The newest of `sets`, given newest first, that is good, holds all `parts` and is no safety
    backup of a restore; and what to tell of the newer ones. Raises NotFound."""
    skipped: list[str] = []
    for one in sets:
        why = _why_not(one, parts)
        if not why:
            return one, _told(skipped)
        skipped.append(f"{one.id} ({why})")
    hint = f"Not taken: {_some(skipped)}. One of them is restored by its ID." if skipped else ""
    raise NotFound(
        f"There is no good backup of {target} with {words.join(list(parts))}.", hint=hint
    )


def _why_not(one: BackupSet, parts: Sequence[str]) -> str:
    manifest: Manifest | None = one.good
    if manifest is None:
        return "not to be trusted"
    if _OF_BROKEN.fullmatch(manifest.reason):
        return f"the safety backup {manifest.reason}"
    missing = [part for part in parts if part not in manifest.parts]
    return f"holds no {words.join(missing, 'or')}" if missing else ""


def _told(skipped: Sequence[str]) -> tuple[str, ...]:
    return (f"{Sign.WARNING} Newer and not taken: {_some(skipped)}.",) if skipped else ()


def _some(skipped: Sequence[str]) -> str:
    more = len(skipped) - _NAMED
    return words.join([*skipped[:_NAMED], *([f"{more} more"] if more > 0 else [])])
