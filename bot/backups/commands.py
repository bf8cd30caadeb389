"""The steps of a backup as a plan shows them: what exactly runs, what it risks, how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import join

from bot.backups.model import CONFIG, DATABASE, BackupSet
from bot.backups.set_store import SetStore
from bot.backups.sources import parts_of
from bot.config import targets as configured
from bot.config.backups import Keep
from bot.operations.plan import PlannedStep
from bot.targets.model import Target

_UNDO = "the unfinished set is removed"


class Commands:
    """The planned steps for one target and its store. Reads nothing but the configuration."""

    def __init__(self, target: Target, settings: configured.Target, store: SetStore) -> None:
        self._target = target
        self._settings = settings
        self._store = store

    def check(self) -> PlannedStep:
        """Looks at sources and store, and begins the set."""
        command = f"mkdir -m 700 {self._store.partial('ID')}"
        return PlannedStep("backup.check", "Check", command=command)

    def part(self, name: str) -> PlannedStep:
        """Writes one part of the set."""
        if name == DATABASE:
            return PlannedStep(
                "backup.database", "Database", command=self._dump_command(), undo=_UNDO
            )
        [part] = parts_of(self._settings, [name])
        kind = "backup.config" if name == CONFIG else "backup.files"
        title = "Configuration" if name == CONFIG else name.capitalize()
        if part.service:
            argv = ["tar", "-c", "-C", "/", part.inner.removeprefix("/")]
            command = f"{join(argv)} | zstd > {part.archive} (in {part.service})"
        else:
            paths = join([str(source.path) for source in part.sources])
            command = f"tar -c {paths} | zstd > {part.archive}"
        return PlannedStep(kind, title, {"part": name}, command=command, undo=_UNDO)

    def verify(self) -> PlannedStep:
        """Reads back what was written."""
        return PlannedStep("backup.verify", "Read back", command="sha256sum --check; tar -t")

    def publish(self) -> PlannedStep:
        """Makes it a set. It stays a set whatever comes after it."""
        command = self._store.publication()
        return PlannedStep("backup.publish", "Publish", command=command, undo=_UNDO, stands=True)

    def _dump_command(self) -> str:
        service = self._target.database().service
        where = f" (in {service})" if service else ""
        return f"pg_dump --snapshot=…{where}\npg_dumpall --globals-only --no-role-passwords{where}"


def rules(keep: Keep) -> str:
    """`last 3, daily 7`: how many sets stay by which rule."""
    counts = ((rule, getattr(keep, rule)) for rule in type(keep).model_fields)
    return ", ".join(f"{rule} {count}" for rule, count in counts if count)


def fates(sets: Sequence[BackupSet], kept: Mapping[str, list[str]]) -> Iterator[str]:
    """A line for each set: why it stays, or that it goes."""
    for one in sets:
        if not one.good:
            yield f"{one.id}  stays, but does not count: {one.trouble}"
        else:
            why = ", ".join(kept[one.id])
            yield f"{one.id}  {f'stays: {why}' if why else 'goes'}"
