"""Writing what `opsbell init` has to write, without losing what was there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bot.config.dotenv import parse
from bot.config.errors import ConfigurationError
from bot.config.load import load
from bot.errors import Failed, Refused

_DRAFT = ".new"


def refuse_existing(path: Path) -> None:
    """Raises Refused where there is something at a path that nobody said may be replaced."""
    if path.exists() or path.is_symlink():
        raise Refused(
            f"{path} exists already, and nothing was written.",
            hint="Name another with --output, or replace it with --force, which keeps the old one.",
        )


def write_configuration(
    path: Path, text: str, environ: Mapping[str, str], *, force: bool, now: datetime
) -> Path | None:
    """Writes a configuration once it has loaded; the place of the one it replaced, if any.

    Raises Refused where there is one and not `force`, and Failed where this one does not load
    or cannot be written.
    """
    draft = path.with_name(f"{path.name}{_DRAFT}")
    kept = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%SZ}")
    replaces = force and path.exists()
    try:
        draft.write_text(text, encoding="utf-8")
        load(draft, environ)
        if replaces:
            shutil.copy2(path, kept)
            draft.replace(path)
        else:
            # Unlike a renaming, this replaces nothing that came meanwhile.
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
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
    finally:
        draft.unlink(missing_ok=True)
    return kept if replaces else None


def set_variable(path: Path, name: str, value: str) -> bool:
    """Sets one variable of an environment file as Compose reads it; whether it was another before.

    All other lines stay. Raises Failed where it cannot be written.
    """
    line = f"{name}={_quoted(value)}"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if parse(text).get(name) == value:
            return False
        pattern = re.compile(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=.*$", re.MULTILINE)
        if pattern.search(text):
            text = pattern.sub(lambda _: line, text)
        else:
            text += "" if not text or text.endswith("\n") else "\n"
            text += f"{line}\n"
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}.") from error
    return True


def _quoted(value: str) -> str:
    """In single quotes, which Compose takes literally, where a value is not plain."""
    if re.fullmatch(r"[A-Za-z0-9_./:@+-]+", value):
        return value
    return "'" + value.replace("'", "\\'") + "'"
