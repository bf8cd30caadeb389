"""What mistakes around targets are made on: a sound configuration of a real Compose project."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.mistakes.table import Bench, Scene
from tests.parts.compose_project import ComposeProject
from tests.parts.owner import owner_tag
from tests.parts.users import NOBODY


@dataclass
class ProjectBench(Bench):
    """A bench with GrandVPS on it; `scene` writes a configuration that is sound but for its
    changes."""

    project: ComposeProject

    def target(self, **changes: Any) -> dict[str, Any]:
        """The target's configuration; a change to None leaves the key out."""
        sound = {
            "runtime": "compose",
            "directory": str(self.project.directory),
            "compose": self.compose(),
            "database": self.base(),
        }
        return {key: value for key, value in (sound | changes).items() if value is not None}

    def compose(self, **changes: Any) -> dict[str, Any]:
        """The target's `compose`."""
        return {"project": self.project.project, "env_file": ".env.production"} | changes

    def base(self, **changes: Any) -> dict[str, Any]:
        """The target's `database`."""
        sound = {"service": "db", "user": self.project.user, "name": self.project.database}
        return sound | changes

    def scene(
        self,
        target: Mapping[str, Any] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = ("check",),
        places: Mapping[str, object] | None = None,
        **parts: Any,
    ) -> Scene:
        """Opsbell with this target, which is called grandvps, and further parts of the file."""
        document = {"targets": {"grandvps": self.target() if target is None else target}, **parts}
        self.config(yaml.safe_dump(document)).chmod(0o600)
        known = {"directory": self.project.directory, "project": self.project.project}
        return Scene(
            self.directory, self.env | dict(env or {}), command, known | dict(places or {})
        )


@contextmanager
def as_nobody(bench: Bench) -> Iterator[Path]:
    """Moves the bench to a directory that belongs to the user nobody, who may go there."""
    place = Path(tempfile.mkdtemp(prefix=f"{owner_tag()}-"))
    place.chmod(0o755)
    own = place / "opsbell"
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    bench.directory = own
    try:
        yield place
    finally:
        shutil.rmtree(place)
