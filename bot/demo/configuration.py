"""The demo's opsbell.yaml."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.demo.place import Place, write_private
from bot.words import utc_now


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
    text = text.replace("@DUE@", _due(utc_now().astimezone(local_zone())))
    # It holds the database's password.
    write_private(place.config, text.replace("@PORT@", str(port)))


def _due(now: datetime) -> str:
    """How long today's list may take: four hours, less in the evening, an hour at least."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    left = int((midnight - now) / timedelta(minutes=1)) - 5  # it is posted a moment later
    return f"{min(240, max(60, left))}m"


def local_zone() -> ZoneInfo:
    """This machine's time zone as far as it has a name, else UTC."""
    place = str(Path("/etc/localtime").resolve())
    try:
        return ZoneInfo(os.environ.get("TZ") or place.partition("zoneinfo/")[2] or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")
