"""The last steps of a backup: the partial set becomes a set, and sets that no rule keeps go."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot.backups import disk
from bot.backups.guide import Guide
from bot.backups.model import (
    GUIDE,
    MANIFEST,
    Comparison,
    Manifest,
    SetFile,
    compare,
)
from bot.backups.retention import superfluous
from bot.backups.running import Backup, Result
from bot.backups.threads import in_thread
from bot.errors import Failed, OpsbellError
from bot.operations.model import StepContext, StepState
from bot.targets.model import Target
from bot.words import Sign, count

logger = logging.getLogger(__name__)

_GIT_LIMIT = timedelta(seconds=10)


async def publish(backup: Backup, context: StepContext) -> Result:
    """Writes guide and manifest, and gives the set its name: from then on it exists."""
    manifest = _manifest(backup, await revision(backup.target))
    earlier = await in_thread(backup.catalogue.good)
    await in_thread(_publish, backup, manifest)
    return _told(backup, manifest, earlier)


async def published(backup: Backup, context: StepContext) -> Result | None:
    """What `publish` returned or would have, where its set is there and whole; else None."""
    good = await in_thread(backup.catalogue.good)
    ours = next((one for one in good if one.started == backup.started), None)
    if ours is None:
        return None
    await in_thread(disk.sync_directory, backup.catalogue.directory)
    return _told(backup, ours, [one for one in good if one.started < backup.started])


def _told(backup: Backup, manifest: Manifest, earlier: list[Manifest]) -> Result:
    compared = compare(manifest, earlier)
    now = backup.clock()
    sentences = [one.sentence(backup.zone, now) for one in compared]
    return {
        "note": " · ".join([*_warnings(compared), *sentences]),
        "set": manifest.id,
        "size": manifest.size,
        "warnings": _warnings(compared),
    }


async def prune(backup: Backup, context: StepContext) -> Result:
    """Removes what the policy no longer keeps, and ends removals that were begun. Trouble with it
    leaves the new set what it is."""
    try:
        removed = await in_thread(_prune, backup)
    except OSError as error:
        logger.warning("sets not removed", extra={"error": str(error)})
        return {"note": f"{Sign.WARNING} old backups were not removed: {error.strerror}"}
    return {"note": f"{count(removed, 'old backup')} removed" if removed else "nothing to remove"}


async def revision(target: Target) -> str | None:
    """The git revision of a target's directory; None where it is no repository's top."""
    # A repository of another user is no danger here: nothing of it is run.
    git = ["git", "-c", "safe.directory=*", "-C", str(target.directory())]
    try:
        done = await target.run([*git, "rev-parse", "--show-prefix", "HEAD"], timeout=_GIT_LIMIT)
    except OpsbellError:
        return None
    prefix, _, commit = done.stdout.partition("\n")
    return commit.strip() if done.status == 0 and not prefix else None


def _manifest(backup: Backup, commit: str | None) -> Manifest:
    """What the finished steps have written, as a manifest that names everything but the guide."""
    operation = backup.operation
    results = [step.result for step in operation.steps if step.state is StepState.DONE]
    return Manifest(
        id=backup.catalogue.free_name(backup.started),
        target=backup.target.name,
        started=backup.started,
        finished=backup.clock(),
        reason=operation.reason,
        by=operation.actor,
        tool_versions={"opsbell": version("opsbell"), **_merged(results, "tool_versions")},
        revision=commit,
        tables=_merged(results, "tables"),
        files=tuple(SetFile(**file) for result in results for file in result.get("files", ())),
    )


def _publish(backup: Backup, manifest: Manifest) -> None:
    """Writes the last two files and renames. Raises Failed where a file is not what was written."""
    partial = backup.partial
    _compare_with_disk(partial, manifest.files)
    final = backup.catalogue.final(manifest.id).absolute()
    guide = Guide(manifest, final, backup.target, backup.settings, backup.parts)
    notes: Mapping[str, Sequence[str]] = _merged(
        [step.result for step in backup.operation.steps], "notes"
    )
    written = disk.write_file(partial / GUIDE, guide.text(notes))
    whole = manifest.model_copy(update={"files": (*manifest.files, written)})
    disk.write_file(partial / MANIFEST, whole.model_dump_json(indent=2) + "\n")
    backup.catalogue.publish(partial, manifest.id)


def _compare_with_disk(partial: Path, files: Sequence[SetFile]) -> None:
    found = {path.name: path.stat().st_size for path in partial.iterdir()}
    expected = {file.path: file.size for file in files}
    if found != expected:
        raise Failed(
            f"{partial} does not hold what was written into it.",
            hint="Something else changed it meanwhile. Nothing was kept of this backup.",
        )


def _prune(backup: Backup) -> int:
    begun = backup.catalogue.clear()
    old = superfluous(backup.catalogue.good(), backup.policy.keep, backup.zone)
    # Where the clock was set back, the newest may look old.
    unwanted = [one for one in old if one.started != backup.started]
    for one in unwanted:
        backup.catalogue.remove(one.id)
    return begun + len(unwanted)


def _warnings(compared: Sequence[Comparison]) -> list[str]:
    return [
        f"{Sign.WARNING} the {one.part} is much smaller than before"
        for one in compared
        if one.suspicious
    ]


def _merged(results: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """One mapping of what several steps returned under a key."""
    return {name: value for result in results for name, value in result.get(key, {}).items()}
