"""Writing what `opsbell init` has to write, without losing what was there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from bot.config.errors import ConfigurationError
from bot.config.load import load
from bot.errors import Failed, Refused


def refuse_existing(path: Path) -> None:
    """Raises Refused where there is something at a path that nobody said may be replaced."""
    if _is_taken(path):
        raise Refused(
            f"{path} exists already, and nothing was written.",
            hint="Name another with --output, or replace it with --force, which keeps the old one.",
        )


def write_configuration(
    path: Path, text: str, environ: Mapping[str, str], *, force: bool, now: datetime
) -> Path | None:
    """Writes a configuration once it has loaded; the place of the one it replaced, if any.

    Whenever it is killed, there is at `path` what was there or all of the new one. Raises Refused
    where there is one and not `force`, and Failed where this one does not load or cannot be
    written.
    """
    try:
        with _draft(path, text) as draft:
            load(draft, environ)
            if path.exists() and not path.is_file():
                raise Failed(f"{path} is no file, and nothing was written.")
            if force and _is_taken(path):
                kept = _keep(path, now)
                draft.replace(path)
                return kept
            # Unlike a renaming, this replaces nothing that came meanwhile.
            os.link(draft, path)
    except ConfigurationError as error:
        problems = "; ".join(
            f"{each.path}: found {each.found}, expected {each.expected}" for each in error.problems
        )
        raise Failed(f"What was found and given makes no configuration. {problems}.") from error
    except FileExistsError:
        refuse_existing(path)
        raise
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}.") from error
    return None


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """The text in a file beside `path`, of a name that nobody else uses; gone at the end."""
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _keep(path: Path, now: datetime) -> Path:
    """A second name for what is at `path`, a dangling link included; the first that is free."""
    first = f"{path.name}.{now:%Y%m%dT%H%M%SZ}"
    kept, number = path.with_name(first), 0
    while True:
        try:
            os.link(path, kept, follow_symlinks=False)
        except FileExistsError:
            number += 1
            kept = path.with_name(f"{first}-{number}")
        else:
            return kept


def _is_taken(path: Path) -> bool:
    return path.exists() or path.is_symlink()
