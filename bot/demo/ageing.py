"""Backups that are older than they were: what happens when nobody has looked for days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.backups.model import MANIFEST
from bot.demo.place import write_private
from bot.errors import Refused

AGE = timedelta(days=3)
_MARK = "aged_by_seconds"
"""The key in a manifest that says how much earlier its times are than they were."""


class OldBackups:
    """The sets in `store`/TARGET. Only their manifests change, each in one step, and whoever reads
    them elsewhere passes over the mark."""

    def __init__(self, store: Path) -> None:
        self._store = store

    @property
    def broken(self) -> bool:
        """Whether a set is marked."""
        return any(_MARK in manifest for _, manifest in self._manifests())

    async def begin(self) -> None:
        """Lets every set age. Raises Refused where there is none."""
        young = [(path, each) for path, each in self._manifests() if _MARK not in each]
        if not young and not self.broken:
            raise Refused("There is no backup that could age.", hint="Make one: /backup now")
        for path, manifest in young:
            _write(path, _moved(manifest, -AGE) | {_MARK: AGE.total_seconds()})

    async def mend(self) -> None:
        """Gives every aged set its own times back."""
        for path, manifest in self._manifests():
            if _MARK in manifest:
                age = timedelta(seconds=manifest.pop(_MARK))
                _write(path, _moved(manifest, age))

    def _manifests(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self._store.glob(f"*/[0-9]*/{MANIFEST}")):
            try:
                manifest = json.loads(path.read_bytes())
            except (OSError, ValueError):
                continue  # it was pruned a moment ago, or is what a check complains of
            yield path, manifest


def _moved(manifest: dict[str, Any], by: timedelta) -> dict[str, Any]:
    times = ("started", "finished")
    return manifest | {
        each: (datetime.fromisoformat(manifest[each]) + by).isoformat() for each in times
    }


def _write(path: Path, manifest: dict[str, Any]) -> None:
    write_private(path, json.dumps(manifest, indent=2) + "\n")
