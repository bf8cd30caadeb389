"""The last step of a backup: the partial set becomes a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot.backups import disk
from bot.backups.guide import Guide
from bot.backups.meter import Meter
from bot.backups.model import (
    GUIDE,
    MANIFEST,
    Comparison,
    Manifest,
    SetFile,
    compare,
)
from bot.backups.running import RUNBOOK, Backup, Result
from bot.backups.threads import in_thread
from bot.errors import Failed, OpsbellError
from bot.operations.model import StepContext
from bot.targets.model import Target
from bot.words import Sign

_GIT_LIMIT = timedelta(seconds=10)


async def publish(backup: Backup, context: StepContext) -> Result:
    """Writes guide and manifest, and gives the set its name: from then on it exists."""
    sets = await backup.store.sets()
    name = await backup.store.free_name(backup.started, sets)
    manifest = _manifest(backup, name, await revision(backup.target))
    await in_thread(_complete, backup, manifest)
    meter = Meter(context, manifest.size)
    await backup.store.publish(manifest.id, backup.partial, meter.show)
    return _told(backup, manifest, [one.good for one in sets if one.good])


async def published(backup: Backup, context: StepContext) -> Result | None:
    """What `publish` returned or would have, where its set is there and whole; else None."""
    await backup.store.settle()
    good = await backup.store.good()
    ours = next((one for one in good if one.started == backup.started), None)
    if ours is None:
        return None
    # What is still here of a set that was taken into a repository is of no use any more.
    await backup.store.clear()
    return _told(backup, ours, [one for one in good if one.started < backup.started])


def _told(backup: Backup, manifest: Manifest, earlier: list[Manifest]) -> Result:
    compared = compare(manifest, earlier)
    now = backup.clock()
    sentences = [one.sentence(backup.zone, now) for one in compared]
    return {
        "note": " · ".join([*_warnings(compared), *sentences]),
        "set": manifest.id,
        "path": str(path) if (path := backup.store.final(manifest.id)) else None,
        "size": manifest.size,
        "warnings": _warnings(compared),
    }


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


def _manifest(backup: Backup, name: str, commit: str | None) -> Manifest:
    """What the finished steps have written, as a manifest that names everything but the guide."""
    operation = backup.operation
    reason = operation.reason
    if operation.plan.runbook != RUNBOOK:
        reason = f"before {operation.plan.runbook} #{operation.id}"
        # A runbook of the configuration may hold a restore. `latest` is never what was taken
        # before one: see `bot.restores.choosing`.
        restores = any(step.kind == "restore.check" for step in operation.plan.steps)
        if restores and operation.plan.runbook != "restore":
            reason = f"before restore in {operation.plan.runbook} #{operation.id}"
    results = backup.results()
    return Manifest(
        id=name,
        target=backup.target.name,
        started=backup.started,
        finished=backup.clock(),
        reason=reason,
        by=operation.actor,
        tool_versions={"opsbell": version("opsbell"), **_merged(results, "tool_versions")},
        revision=commit,
        tables=_merged(results, "tables"),
        files=tuple(SetFile(**file) for result in results for file in result.get("files", ())),
    )


def _complete(backup: Backup, manifest: Manifest) -> None:
    """Writes the last two files. Raises Failed where a file is not what was written."""
    partial = backup.partial
    _compare_with_disk(partial, manifest.files)
    final = backup.store.final(manifest.id)
    guide = Guide(manifest, final, backup.target, backup.settings, backup.parts)
    notes: Mapping[str, Sequence[str]] = _merged(backup.results(), "notes")
    written = disk.write_file(partial / GUIDE, guide.text(notes))
    whole = manifest.model_copy(update={"files": (*manifest.files, written)})
    disk.write_file(partial / MANIFEST, whole.model_dump_json(indent=2) + "\n")


def _compare_with_disk(partial: Path, files: Sequence[SetFile]) -> None:
    found = {
        str(path.relative_to(partial)): path.stat().st_size
        for path in partial.rglob("*")
        if not path.is_dir()
    }
    expected = {file.path: file.size for file in files}
    if found != expected:
        raise Failed(
            f"{partial} does not hold what was written into it.",
            hint="Something else changed it meanwhile. Nothing was kept of this backup.",
        )


def _warnings(compared: Sequence[Comparison]) -> list[str]:
    return [
        f"{Sign.WARNING} the {one.part} is much smaller than before"
        for one in compared
        if one.suspicious
    ]


def _merged(results: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """One mapping of what several steps returned under a key."""
    return {name: value for result in results for name, value in result.get(key, {}).items()}
