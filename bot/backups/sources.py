"""Where the files of a set come from, resolved from the configuration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.backups.model import ARCHIVE, CONFIG, DATABASE
from bot.backups.tar import Source
from bot.config import targets as configured
from bot.config.words import nearest
from bot.errors import UsageError
from bot.words import join

ROOT = Path("/")


@dataclass(frozen=True)
class Part:
    """One archive of a set: `sources` on this machine, or `inner` in a service's container.

    Members are named from `/` where the configured path is absolute, else from the target's
    directory, so that they can be unpacked where they came from.
    """

    name: str
    sources: tuple[Source, ...] = ()
    service: str | None = None
    inner: str = ""

    @property
    def archive(self) -> str:
        """The archive's file name in the set."""
        return f"{self.name}{ARCHIVE}"


def parts_of(settings: configured.Target, include: Sequence[str]) -> list[Part]:
    """The archives that an include list asks for, in its order; the database is none of them."""
    return [_part(settings, name) for name in include if name != DATABASE]


def known_parts(settings: configured.Target) -> list[str]:
    """All that a backup of the target can hold."""
    config = [CONFIG] if settings.config else []
    return ([DATABASE] if settings.database else []) + [*settings.files] + config


def checked_include(
    settings: configured.Target, target: str, words: Sequence[str]
) -> tuple[str, ...]:
    """The parts that words name, each once and in their usual order; capitals do not matter.

    Raises UsageError for a word that is no part of the target.
    """
    known = known_parts(settings)
    by_word = {name.lower(): name for name in known}
    for word in words:
        if word.lower() not in by_word:
            can = f"A backup of {target} can hold {join(known) or 'nothing yet'}."
            meant = nearest(word.lower(), by_word)
            raise UsageError(f'"{word[:40]}" is no part of a backup{meant}.', hint=can)
    wanted = {by_word[word.lower()] for word in words}
    return tuple(name for name in known if name in wanted)


def _part(settings: configured.Target, name: str) -> Part:
    if name == CONFIG:
        return Part(name, tuple(_source(settings, inner) for inner in settings.config))
    files = settings.files[name]
    if files.service:
        return Part(name, service=files.service, inner=str(files.path))
    return Part(name, (_source(settings, files.path),))


def _source(settings: configured.Target, inner: PurePosixPath) -> Source:
    if inner.is_absolute():
        return Source(ROOT, str(inner.relative_to("/")))
    return Source(settings.directory.absolute(), str(inner))
