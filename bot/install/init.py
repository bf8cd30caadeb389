"""`opsbell init`: from what runs here and a few answers to an opsbell.yaml that works."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from bot.config.environment import SLACK_SECRETS, SlackSecrets
from bot.config.errors import ConfigurationError
from bot.errors import UsageError
from bot.install.document import Choices, document
from bot.install.questions import Flags, Question, answer, own_time_zone, time_zone
from bot.install.surroundings import Inspected, choose_project, inspect, look_around
from bot.install.workspace import WHERE_THE_ID_IS, Known, admin_called, channel_named
from bot.install.writing import refuse_existing, write_configuration
from bot.targets.projects import Project
from bot.words import Sign, join, utc_now

DEFAULT_OUTPUT = Path("opsbell.yaml")
_BOT = SLACK_SECRETS[0]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def init(flags: Flags, environ: Mapping[str, str]) -> int:
    """Looks, asks, writes, and tells what it did; the exit status.

    Raises UsageError where something is missing or off, Refused where the file is there already,
    Failed where it cannot be written. People are asked outside the event loop, so that Ctrl-C
    reaches the question.
    """
    _check_names(flags)
    if not flags.force:
        refuse_existing(flags.output)
    secrets = _secrets(environ)
    choices, told = _chosen(flags, secrets)
    kept = write_configuration(
        flags.output, document(choices), environ, force=flags.force, now=utc_now()
    )
    for subject, known in told:
        _tell(known.sign, subject, known.says)
    _tell(Sign.DONE, "Written", str(flags.output))
    if kept:
        _tell(Sign.DONE, "Kept", f"the old one as {kept}")
    typer.echo("\nNext:")
    for line in _next_commands(choices, flags.output, secrets):
        typer.echo(f"  {line}")
    return 0


def _chosen(flags: Flags, secrets: SlackSecrets) -> tuple[Choices, tuple[tuple[str, Known], ...]]:
    """What is to be written, and what was settled with Slack, each with its subject."""
    with asyncio.Runner() as runner:
        around = runner.run(look_around())
        if around.trouble:
            _tell(Sign.WARNING, "Docker", around.trouble)
        project = choose_project(flags, around)
        inspected = runner.run(inspect(project, around))
        _show(project, inspected)
        admin = answer(
            Question("admin", "Your Slack user ID or @handle", hint=WHERE_THE_ID_IS),
            flags,
            lambda text: runner.run(admin_called(secrets, text)),
        )
        channel = answer(
            Question("channel", "Channel for checklists and backups", "ops"),
            flags,
            lambda text: runner.run(channel_named(secrets, text)),
        )
    zone = answer(Question("timezone", "Time zone", own_time_zone()), flags, time_zone)
    backups = answer(Question("backups", "Directory for backups", "./var/backups"), flags, str)
    choices = Choices(
        target=flags.target or project.name,
        project=project,
        found=inspected.found,
        admin=admin.value,
        channel=channel.value,
        timezone=zone,
        mode=flags.mode,
        backups=backups,
        health_url=inspected.health_url,
        in_container=around.in_container,
    )
    return choices, (("Admin", admin), ("Channel", channel))


def _check_names(flags: Flags) -> None:
    if flags.mode not in ("socket", "http"):
        raise UsageError(f'--mode is socket or http, not "{flags.mode}".')
    if flags.target and not _NAME.fullmatch(flags.target):
        raise UsageError(f'--target is letters, digits, - and _, not "{flags.target}".')


def _next_commands(choices: Choices, output: Path, secrets: SlackSecrets) -> Iterator[str]:
    opsbell = "docker compose run --rm opsbell" if choices.in_container else "opsbell"
    named = "" if output == DEFAULT_OUTPUT else f" --config {output}"
    if not secrets.bot_token.reveal():
        address = " --url https://…" if choices.mode == "http" else ""
        yield f"{opsbell} manifest{named}{address}"
    yield f"{opsbell} check{named}"
    yield "docker compose up --detach --wait" if choices.in_container else f"opsbell run{named}"


def _show(project: Project, inspected: Inspected) -> None:
    found = inspected.found
    _tell(Sign.DONE, "Project", f"{project.name} in {project.directory}")
    if inspected.services:
        _tell(Sign.DONE, "Services", join(list(inspected.services)))
    if found.database:
        place = found.database
        _tell(Sign.DONE, "Database", f"{place.name} as {place.user} in {place.service}")
    else:
        _tell(
            Sign.WARNING,
            "Database",
            "no PostgreSQL was recognised; opsbell.yaml says how to add it",
        )
    if found.web:
        at = f", well at {inspected.health_url}" if inspected.health_url else ""
        _tell(Sign.DONE, "Web", f"{found.web.name}{at}")
    if found.files:
        _tell(Sign.DONE, "Files", join([each.name for each in found.files]))
    if found.rebuilt:
        _tell(Sign.OPEN, "Left out", f"{join(list(found.rebuilt))}: made again by each deploy")
    if found.config:
        _tell(Sign.DONE, "Config", join(list(found.config)))
    for note in inspected.notes:
        _tell(Sign.WARNING, "Note", note)


def _tell(sign: Sign, subject: str, says: str) -> None:
    typer.echo(f"{sign} {subject:<9} {says}")


def _secrets(environ: Mapping[str, str]) -> SlackSecrets:
    """Slack's token where there is one. A file of it that is still empty is as none: the tokens
    may come after the configuration. Raises ConfigurationError for any other trouble with it."""
    try:
        return SlackSecrets.for_terminal(environ)
    except ConfigurationError:
        if environ.get(_BOT) or not _is_empty(Path(environ[f"{_BOT}_FILE"])):
            raise
        return SlackSecrets.for_terminal({})


def _is_empty(path: Path) -> bool:
    try:
        return path.is_file() and not path.read_bytes().strip()
    except OSError:
        return False
