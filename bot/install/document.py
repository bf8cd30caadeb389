"""The opsbell.yaml that `opsbell init` writes: readable, commented, with no secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from bot.install.discovery import Found, within
from bot.targets.projects import Project

_PLAIN = re.compile(r"[A-Za-z0-9_./](?:[A-Za-z0-9_./@() -]*[A-Za-z0-9_./@)-])?")
_WIDTH = 100

# The guide's lists of a web application's care; an item names the checks that may give evidence,
# the best first.
CHECKLISTS: Mapping[str, tuple[str, str, str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "daily": (
        "Daily maintenance",
        "0 9 * * mon-fri",
        "4h",
        (
            ("Monitor application logs for errors", ("app-logs",)),
            ("Check system resource usage (CPU, memory, disk)", ("disk",)),
            ("Review failed payment transactions", ()),
            ("Monitor VPS instance statuses", ()),
            ("Check backup completion status", ("backup",)),
        ),
    ),
    "weekly": (
        "Weekly maintenance",
        "0 10 * * mon",
        "3d",
        (
            ("Review user support tickets", ()),
            ("Analyze application performance metrics", ("response", "long-queries")),
            ("Check SSL certificate expiration", ()),
            ("Review security logs for suspicious activity", ("failed-logins",)),
            ("Update system packages (if safe)", ()),
        ),
    ),
    "monthly": (
        "Monthly maintenance",
        "0 10 1 * *",
        "7d",
        (
            ("Generate monthly financial reports", ()),
            ("Review user account statuses", ()),
            ("Analyze system performance trends", ("connections",)),
            ("Update documentation", ()),
            ("Plan for upcoming features", ()),
        ),
    ),
}


@dataclass(frozen=True)
class Choices:
    """What people chose, and what was found for them. `admin` is a Slack user ID; `health_url`
    is "" where no URL answered; `in_container` is whether Opsbell runs in one."""

    target: str
    project: Project
    found: Found
    admin: str
    channel: str
    timezone: str
    mode: str
    backups: str
    health_url: str = ""
    in_container: bool = False


def document(choices: Choices) -> str:
    """The whole file."""
    checks = dict(_checks(choices))
    parts = (
        _head(choices),
        _roles(choices),
        _target(choices),
        _backups(choices),
        _section(checks),
        _checklists(checks),
    )
    written = ("".join(f"{line}\n" for line in part) for part in parts)
    return "\n".join(filter(None, written))


def scalar(text: str) -> str:
    """A text as YAML writes it anywhere, inside braces too; taken literally, whatever it holds."""
    literal = text.replace("${", "$${")
    if _PLAIN.fullmatch(literal) and isinstance(yaml.safe_load(literal), str):
        return literal
    return json.dumps(literal, ensure_ascii=False)


def _head(choices: Choices) -> Iterator[str]:
    names = ("ops", "alerts", "incidents", "support")
    channels = ", ".join(f"{name}: {scalar(choices.channel)}" for name in names)
    listen = "0.0.0.0:8080" if choices.in_container else "127.0.0.1:8080"
    yield "# Opsbell's configuration, written by opsbell init. Make it yours: docs/configuration.md"
    yield "# explains each key. ${NAME} and ${NAME:-default} come from the environment, where"
    yield "# Slack's tokens stay: they have no place in this file."
    yield ""
    yield f"timezone: {scalar(choices.timezone)}"
    yield "slack:"
    yield f"  mode: {choices.mode}"
    yield "  # One channel to begin with; alerts, incidents and support can have their own."
    yield f"  channels: {{{channels}}}"
    yield 'database: "${OPSBELL_DATABASE_URL:-embedded}"'
    yield "data: ./var"
    yield f'http: {{listen: "{listen}", token: "${{OPSBELL_HTTP_TOKEN:-}}"}}'


def _roles(choices: Choices) -> Iterator[str]:
    yield "# Slack user IDs, or user groups in quotes."
    yield "roles:"
    yield f"  operator: [{choices.admin}]"
    yield f"  admin: [{choices.admin}]"
    yield "access:"
    yield "  backup: {role: operator}"
    yield "  restore: {role: admin, approvals: 0}    # approvals: 1 once there is a second admin"
    yield "  maintenance: {role: operator}"
    yield "  deploy: {role: operator, approvals: 0}"
    yield "  incident: {role: anyone}"
    yield "  checklist: {role: anyone}"


def _target(choices: Choices) -> Iterator[str]:
    project, found = choices.project, choices.found
    compose = [f"project: {scalar(project.name)}"]
    if project.files:
        compose.append(f"files: {_list(within(project.directory, each) for each in project.files)}")
    env_files = [within(project.directory, each) for each in project.env_files]
    if env_files and env_files[0] != ".env":
        compose.append(f"env_file: {scalar(env_files[0])}")
    yield "targets:"
    yield f"  {scalar(choices.target)}:"
    yield "    runtime: compose"
    yield f"    directory: {scalar(str(project.directory))}"
    yield f"    compose: {{{', '.join(compose)}}}"
    if found.database:
        place = found.database
        yield (
            f"    database: {{service: {scalar(place.service)}, user: {scalar(place.user)},"
            f" name: {scalar(place.name)}}}"
        )
    else:
        yield "    # No PostgreSQL was recognised. If there is one:"
        yield "    # database: {service: db, user: postgres, name: postgres}"
    if found.files:
        yield f"    files: {{{', '.join(_files(choices))}}}"
    if found.config:
        yield f"    config: {_list(found.config)}"
    if choices.health_url:
        yield f"    health: {{url: {scalar(choices.health_url)}, within: 60s}}"
    else:
        yield "    # No URL of it answered. One that says 2xx when all is well:"
        host = "web" if choices.in_container else "127.0.0.1"
        yield f'    # health: {{url: "http://{host}:8000/healthz", within: 60s}}'


def _files(choices: Choices) -> Iterator[str]:
    for each in choices.found.files:
        place = scalar(each.path)
        if each.service:
            place = f"{{service: {scalar(each.service)}, path: {place}}}"
        yield f"{scalar(each.name)}: {place}"


def _backups(choices: Choices) -> Iterator[str]:
    found = choices.found
    include = [
        *(["database"] if found.database else []),
        *(each.name for each in found.files),
        *(["config"] if found.config else []),
    ]
    if not include:
        return
    yield "backups:"
    yield f"  {scalar(choices.target)}:"
    yield '    schedule: "0 2 * * *"'
    yield f"    include: {_list(include)}"
    yield f"    store: {{directory: {scalar(choices.backups)}}}"
    yield "    keep: {last: 3, daily: 7, weekly: 5, monthly: 12}"


def _checks(choices: Choices) -> Iterator[tuple[str, str]]:
    """Each check by its name, its keys inside braces."""
    target, found = scalar(choices.target), choices.found
    # A container's own / is not where its host's data lies.
    path = "." if choices.in_container else "/"
    yield "disk", f"kind: disk, path: {path}, warn: 80, crit: 90"
    if found.database or found.files or found.config:
        yield "backup", f"kind: backup_age, target: {target}, warn: 26h, crit: 50h"
    if found.web:
        log = f"kind: logs, target: {target}, service: {scalar(found.web.name)}"
        yield "app-logs", f'{log}, pattern: "ERROR|CRITICAL", within: 24h, warn: 1, crit: 50'
        pattern = "(?i)(failed|invalid) (login|password|authentication)"
        yield "failed-logins", f'{log}, pattern: "{pattern}", within: 7d, warn: 20, crit: 200'
    if choices.health_url:
        url = scalar(choices.health_url)
        yield "response", f"kind: http, url: {url}, warn: 1s, crit: 5s"
    if found.database:
        sql = f"kind: sql, target: {target}, query: "
        of_this = "from pg_stat_activity where datname = current_database()"
        yield "connections", f'{sql}"select count(*) {of_this}", warn: 80'
        old = "and state <> 'idle' and now() - xact_start > interval '10 minutes'"
        yield "long-queries", f'{sql}"select count(*) {of_this} {old}", warn: 1'


def _section(checks: Mapping[str, str]) -> Iterator[str]:
    """A check on one line where it fits, else a key a line."""
    yield "checks:"
    for name, keys in checks.items():
        line = f"  {name}: {{{keys}}}"
        if len(line) <= _WIDTH:
            yield line
        else:
            yield f"  {name}:"
            yield from (f"    {key}" for key in keys.split(", "))


def _checklists(checks: Mapping[str, str]) -> Iterator[str]:
    yield "# Leave out what is not yours to do and add what is; a check gives an item its evidence."
    yield "checklists:"
    for name, (title, schedule, due, items) in CHECKLISTS.items():
        yield f"  {name}:"
        yield f"    title: {title}"
        yield "    channel: ops"
        yield f'    schedule: "{schedule}"'
        yield f"    due: {due}"
        yield "    items:"
        for text, evidence in items:
            check = next((each for each in evidence if each in checks), "")
            yield (
                f"      - {{text: {scalar(text)}, check: {check}}}"
                if check
                else f"      - {scalar(text)}"
            )


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(scalar, texts))}]"
