"""What mistakes about files, URLs, checks and backups are made on: a target of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.mistakes.table import Bench, Scene


@dataclass
class HostBench(Bench):
    """A bench with a small application of this machine in the directory `shop`."""

    @property
    def shop(self) -> Path:
        """The application's directory."""
        return self.directory / "shop"

    def make_shop(self) -> None:
        """Writes its files: 200 kB of media, a log, its settings."""
        (self.shop / "media").mkdir(parents=True)
        (self.shop / "media" / "photo.jpg").write_bytes(bytes(200_000))
        (self.shop / "shop.log").write_text("2026-11-22 09:00:00 INFO started\n")
        (self.shop / ".env").write_text("SECRET_KEY=a-secret-of-the-shop\n")

    def scene(
        self,
        *,
        command: tuple[str, ...] = ("check",),
        places: Mapping[str, object] | None = None,
        target: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> Scene:
        """Opsbell with a sound target called shop, but for these changes."""
        sound = {"runtime": "host", "directory": str(self.shop)}
        document = {"targets": {"shop": sound | dict(target or {})}, **parts}
        self.config(yaml.safe_dump(document)).chmod(0o600)
        known = {"shop": self.shop, "own": self.directory}
        return Scene(self.directory, self.env, command, known | dict(places or {}))

    def backed_up(self, store: Path) -> dict[str, Any]:
        """Parts of a configuration that backs the media up into a store."""
        policy = {"include": ["media"], "store": {"directory": str(store)}}
        return {"target": {"files": {"media": "media"}}, "backups": {"shop": policy}}
