"""The data directory: the embedded database, the key of the audit log, default backups."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from bot.doctor.model import Finding, beware, well, wrong
from bot.doctor.patient import Patient
from bot.os_user import me, username
from bot.words import size

AREA = "Data directory"
LEAST_FREE = 500_000_000
"""Bytes below which a new embedded database, its logs and a small backup hardly fit."""


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Whether it is there or can be made, whose it is, and how much room it has."""
    path = patient.settings.data
    if not path.exists():
        yield _to_be_made(path)
        return
    if not path.is_dir():
        says = f"{path} is a file, not a directory."
        yield wrong(AREA, "Directory", says, "Set data to a directory in opsbell.yaml.")
        return
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield wrong(AREA, "Directory", *_barred(path))
        return
    yield _mode(path)
    yield _room(path)


def _to_be_made(path: Path) -> Finding:
    above = next(parent for parent in path.parents if parent.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return well(AREA, "Directory", f"{path} is made at the first start.")
    says = f"{path} is not there, and {me()} may not make it in {above}."
    todo = f"Run: sudo install -d -m 700 -o {me()} {path}"
    return wrong(AREA, "Directory", says, todo)


def _barred(path: Path) -> tuple[str, str]:
    """Whose a directory is that Opsbell may not use, and what to do."""
    found = path.stat()
    if found.st_uid == os.geteuid():
        says = f"{path} has mode {found.st_mode & 0o777:03o}: {me()} may not write into it."
        return says, f"Run: chmod u+rwx {path}"
    owner = username(found.st_uid)
    says = f"{path} belongs to {owner}, and {me()} may not write into it."
    return says, f"Run: sudo chown -R {me()} {path}, or run as {owner}."


def _mode(path: Path) -> Finding:
    mode = path.stat().st_mode & 0o777
    # Passing through shows nothing of what lies there, and root's embedded PostgreSQL has to.
    if mode & 0o066:
        says = f"{path} has mode {mode:o}: others on this machine can look into it."
        return beware(AREA, "Directory", says, f"Run: chmod 700 {path}")
    owner = username(path.stat().st_uid)
    if mode & 0o011:
        who = "Others" if mode & 0o001 else "Its group"
        passing = f"{who} may pass through without looking, as the embedded PostgreSQL does"
        return well(AREA, "Directory", f"{path} belongs to {owner}. {passing} (mode {mode:o}).")
    return well(AREA, "Directory", f"{path} is private to {owner}.")


def _room(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    says = f"{size(free)} are free."
    if free < LEAST_FREE:
        return beware(AREA, "Free space", says, f"Make room on the disk that holds {path}.")
    return well(AREA, "Free space", says)
