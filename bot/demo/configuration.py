"""The demo's opsbell.yaml."""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.demo.place import Place


def write_configuration(place: Place, database_url: str, port: int) -> None:
    """Writes it for a GrandVPS with this database and this port."""
    text = (files("bot.demo") / "opsbell.yaml").read_text()
    for name, value in {
        "TIMEZONE": local_zone().key,
        "DATABASE_URL": database_url,
        "PYTHON": sys.executable,
    }.items():
        # Text of JSON is text of YAML, and `$` would begin a variable's name.
        text = text.replace(f"@{name}@", json.dumps(value.replace("${", "$${")))
    place.config.write_text(text.replace("@PORT@", str(port)))
    # It holds the database's password.
    place.config.chmod(0o600)


def local_zone() -> ZoneInfo:
    """This machine's time zone as far as it has a name, else UTC."""
    place = str(Path("/etc/localtime").resolve())
    try:
        return ZoneInfo(os.environ.get("TZ") or place.partition("zoneinfo/")[2] or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")
