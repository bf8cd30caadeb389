"""Which store a target's sets are in, by its configuration."""

from __future__ import annotations

from bot.backups.catalogue import Catalogue
from bot.backups.restic import Restic
from bot.backups.restic_store import ResticStore
from bot.backups.set_store import DirectoryStore, SetStore
from bot.backups.verdicts import VerdictsOf, no_verdicts
from bot.config.settings import Settings


def store_of(
    settings: Settings, target: str, *, verdicts: VerdictsOf = no_verdicts, mark: str = ""
) -> SetStore:
    """The store of a target; KeyError where it has no backups. `mark` is what the processes that
    the store starts are found by."""
    kept = settings.backups[target].store
    if kept.directory is not None:
        return DirectoryStore(target, Catalogue(kept.directory / target), verdicts)
    if kept.restic is None:
        raise ValueError("a store is a directory or a restic repository")
    place = settings.data.absolute() / "restic"
    # Another Opsbell on this machine may have a target of that name.
    restic = Restic(target, kept.restic, place / "cache", f"{mark} {place}" if mark else "")
    return ResticStore(target, Catalogue(place / "sets" / target), verdicts, restic)
