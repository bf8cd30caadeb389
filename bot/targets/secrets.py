"""The values of a target that must never be shown."""

from pathlib import Path

from bot.config import targets as configured
from bot.config.dotenv import parse
from bot.config.redact import secrets_in
from bot.errors import Unavailable


def environment_files(settings: configured.Target) -> set[Path]:
    """The files of a target whose values are its environment."""
    files = {
        settings.path(inner)
        for inner in settings.config
        if inner.name.startswith(".env") or inner.name.endswith(".env")
    }
    match settings:
        case configured.ComposeTarget(compose=source) if source.env_file:
            files.add(settings.path(source.env_file))
        case configured.ComposeTarget(compose=source):
            # Where none is named, Compose takes the one in its directory, and the one beside its
            # first file; a directory of that name it passes over.
            beside = {settings.path(first).parent for first in source.files[:1]}
            usual = {place / ".env" for place in {settings.directory, *beside}}
            files |= {path for path in usual if not _is_directory(path)}
        case configured.SwarmTarget(swarm=stack) if stack.env_file:
            files.add(settings.path(stack.env_file))
    return files


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # file_secrets says what is wrong


def file_secrets(path: Path) -> frozenset[str]:
    """What an environment file keeps secret; nothing where it does not exist. Raises Unavailable
    where it cannot be read: without knowing the secrets, nothing of the target can be shown."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise Unavailable(
            f"The environment file {path} cannot be read: {error.strerror}.",
            hint="Opsbell has to know its secrets before it may show anything of the target.",
            retryable=False,
        ) from error
    # As Compose reads it, and as the application may.
    readings = (parse(text), parse(text, references=False))
    return frozenset(secret for reading in readings for secret in secrets_in(reading))
