"""A newcomer's mistakes in opsbell.yaml and around it."""

from __future__ import annotations

import getpass
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

from tests.mistakes.projects import as_nobody
from tests.mistakes.table import Bench, Mistake, Scene, prove
from tests.parts.require import need
from tests.parts.users import AS_NOBODY, POWERLESS

Produce = Callable[[Bench], AbstractAsyncContextManager[Scene]]


def written(text: str) -> Produce:
    """The file holds this text."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        (bench.directory / "opsbell.yaml").write_text(text)
        yield Scene(bench.directory, bench.env)

    return produce


@asynccontextmanager
async def no_file(bench: Bench) -> AsyncIterator[Scene]:
    yield Scene(bench.directory, bench.env)


@asynccontextmanager
async def unreadable_file(bench: Bench) -> AsyncIterator[Scene]:
    need("root")
    bench.config().chmod(0)
    yield Scene(bench.directory, bench.env, program=POWERLESS)


@asynccontextmanager
async def readable_secret(bench: Bench) -> AsyncIterator[Scene]:
    file = bench.config()
    file.write_text(file.read_text().replace(':0"}', ':0", token: "a-secret-of-mine"}'))
    yield Scene(bench.directory, bench.env, places={"user": getpass.getuser()})


@asynccontextmanager
async def taken_address(bench: Bench) -> AsyncIterator[Scene]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        file = bench.config()
        file.write_text(file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        yield Scene(bench.directory, bench.env, places={"port": port})


@asynccontextmanager
async def foreign_address(bench: Bench) -> AsyncIterator[Scene]:
    file = bench.config()
    file.write_text(file.read_text().replace("127.0.0.1:0", "192.0.2.1:8080"))
    yield Scene(bench.directory, bench.env)


@asynccontextmanager
async def data_of_another(bench: Bench) -> AsyncIterator[Scene]:
    """Opsbell ran with sudo once."""
    need("root")
    with as_nobody(bench):
        bench.config()
        data = bench.directory / "var"
        data.mkdir(mode=0o700)
        yield Scene(bench.directory, bench.env, places={"data": data}, program=AS_NOBODY)


@asynccontextmanager
async def data_without_writing(bench: Bench) -> AsyncIterator[Scene]:
    """One's own directory, but its mode forbids it."""
    need("root")
    bench.config()
    data = bench.directory / "var"
    data.mkdir(mode=0o500)
    yield Scene(bench.directory, bench.env, places={"data": data}, program=POWERLESS)


@asynccontextmanager
async def data_is_a_file(bench: Bench) -> AsyncIterator[Scene]:
    bench.config("data: ./opsbell.yaml")
    yield Scene(bench.directory, bench.env, places={"file": bench.directory / "opsbell.yaml"})


TARGET = "targets: {shop: {runtime: compose, directory: ., compose: {project: shop}}}\n"
KEYS = (
    "timezone, slack, database, data, http, roles, access, targets, backups, checks, checklists,"
    " holidays, monitors, alerts, oncall, contacts, runbooks"
)
UNUSABLE = [
    Mistake(
        "no file",
        no_file,
        "opsbell.yaml: found no such file, expected a configuration (opsbell init writes"
        " one, --config names another)",
        status=2,
    ),
    Mistake(
        "an unreadable file",
        unreadable_file,
        "opsbell.yaml: found Permission denied, expected a file that Opsbell's user may read",
        status=2,
    ),
    Mistake(
        "an empty file",
        written(""),
        "opsbell.yaml:1: found an empty file, expected at least one setting, such as timezone: UTC",
        status=2,
    ),
    Mistake(
        "a tab",
        written("slack:\n\tmode: socket\n"),
        "opsbell.yaml:2: found a tab, expected spaces for indentation",
        status=2,
    ),
    Mistake(
        "a variable without quotes in braces",
        written("http: {listen: 127.0.0.1:8080, token: ${OPSBELL_HTTP_TOKEN:-}}\n"),
        "opsbell.yaml:1: found ${{OPSBELL_HTTP_TOKEN:-}} without quotes,"
        ' expected "${{OPSBELL_HTTP_TOKEN:-}}"',
        status=2,
    ),
    Mistake(
        "a variable that is not set",
        written('database: "${DATABSE_URL}"\n'),
        'opsbell.yaml:1: database: found "${{DATABSE_URL}}", expected the environment variable'
        " DATABSE_URL to be set, or ${{DATABSE_URL:-default}}",
        status=2,
    ),
    Mistake(
        "a list",
        written("- timezone: UTC\n"),
        "opsbell.yaml:1: found a list, expected a mapping (name: value)",
        status=2,
    ),
    Mistake(
        "an unknown key",
        written("chekcs: {}\n"),
        f'opsbell.yaml:1: chekcs: found "chekcs", expected one of: {KEYS} (did you mean checks?)',
        status=2,
    ),
    Mistake(
        "a key outside of its part",
        written("channels: {ops: operations}\n"),
        'opsbell.yaml:1: channels: found "channels", expected it inside slack: slack.channels',
        status=2,
    ),
    Mistake(
        "a channel under another key",
        written("slack: {channel: ops}\n"),
        'opsbell.yaml:1: slack.channel: found "channel", expected one of: mode, command_prefix,'
        " channels (did you mean channels?)",
        status=2,
    ),
    Mistake(
        "a token in the file",
        written("slack: {bot_token: xoxb-1-2-3}\n"),
        'opsbell.yaml:1: slack.bot_token: found "bot_token", expected none here: SLACK_BOT_TOKEN'
        " and the like come from the environment",
        status=2,
    ),
    Mistake(
        "a time zone without its continent",
        written("timezone: Berlin\n"),
        'opsbell.yaml:1: timezone: found "Berlin", expected a time zone such as Europe/Berlin or'
        " UTC (did you mean Europe/Berlin?)",
        status=2,
    ),
    Mistake(
        "a cron line",
        written(f"{TARGET}backups: {{shop: {{schedule: '0 25 * * *'}}}}\n"),
        'opsbell.yaml:2: backups.shop.schedule: found "0 25 * * *", expected a cron line of five'
        ' fields such as "0 9 * * mon-fri" (bad hour)',
        status=2,
    ),
    Mistake(
        "a duration",
        written("checklists: {daily: {title: Daily, due: 4 hours, items: [Look]}}\n"),
        'opsbell.yaml:1: checklists.daily.due: found "4 hours", expected a duration such as 90s,'
        " 15m, 4h, 7d or 1h30m",
        status=2,
    ),
    Mistake(
        "a person by name",
        written("roles: {admin: [alice]}\n"),
        'opsbell.yaml:1: roles.admin[0]: found "alice", expected a Slack user ID (U…), a user'
        " group's ID (S…) or its handle (@ops)",
        status=2,
    ),
    Mistake(
        "one person and no list",
        written("roles: {admin: U0ALICE001}\n"),
        'opsbell.yaml:1: roles.admin: found "U0ALICE001", expected a list: [U0ALICE001]',
        status=2,
    ),
    Mistake(
        "a check that is not there",
        written(
            "checks: {disk: {kind: disk, path: /}}\n"
            "checklists: {daily: {title: Daily, items: [{text: Disk, check: disc}]}}\n"
        ),
        'opsbell.yaml:2: checklists.daily.items[0].check: found "disc", expected disk',
        status=2,
    ),
    Mistake(
        "a database that is no URL",
        written("database: localhost:5432\n"),
        "opsbell.yaml:1: database: found ***, expected a URL such as"
        " postgresql://user:password@host:5432/name",
        status=2,
    ),
]
SURROUNDINGS = [
    Mistake(
        "a role of another name",
        written("roles: {operator: [U0BOB00001], admins: [U0ALICE001]}\naccess: {restore: {}}\n"),
        "roles.admin: Nobody has the role admin (did you mean admins?), so nobody may use"
        " /restore. Add people or groups under roles.admin.",
        status=0,
        sign="⚠️ warning",
    ),
    Mistake(
        "a secret that everyone can read",
        readable_secret,
        "opsbell.yaml: It holds a password and everyone on this machine can read it."
        " Run: chmod 600 opsbell.yaml (its owner is {user}), or use ${{NAME}} in it.",
        status=0,
        sign="⚠️ warning",
    ),
    Mistake(
        "an address that is taken",
        taken_address,
        "http.listen: Opsbell cannot listen on 127.0.0.1:{port}: another program does."
        " End that program, or set http.listen to another port in opsbell.yaml.",
    ),
    Mistake(
        "an address of another machine",
        foreign_address,
        "http.listen: Opsbell cannot listen on 192.0.2.1:8080: this machine has no address"
        " 192.0.2.1. Set http.listen to 127.0.0.1:8080, or 0.0.0.0:8080 in a container.",
    ),
    Mistake(
        "a data directory of another user",
        data_of_another,
        "Directory: {data} belongs to root, and nobody may not write into it."
        " Run: sudo chown -R nobody {data}, or run as root.",
    ),
    Mistake(
        "a data directory without the right to write",
        data_without_writing,
        "Directory: {data} has mode 500: root may not write into it. Run: chmod u+rwx {data}",
    ),
    Mistake(
        "a data directory that is a file",
        data_is_a_file,
        "Directory: {file} is a file, not a directory. Set data to a directory in opsbell.yaml.",
    ),
]


@pytest.mark.parametrize("mistake", UNUSABLE, ids=lambda mistake: mistake.name)
async def test_a_configuration_that_does_not_load(mistake: Mistake[Bench], bench: Bench) -> None:
    await prove(mistake, bench)


@pytest.mark.parametrize("mistake", UNUSABLE[:5], ids=lambda mistake: mistake.name)
async def test_run_says_the_same(mistake: Mistake[Bench], bench: Bench) -> None:
    @asynccontextmanager
    async def run(on: Bench) -> AsyncIterator[Scene]:
        async with mistake.produce(on) as scene:
            yield replace(scene, command=("run",))

    await prove(replace(mistake, produce=run), bench)


@pytest.mark.parametrize("mistake", SURROUNDINGS, ids=lambda mistake: mistake.name)
async def test_surroundings(mistake: Mistake[Bench], bench: Bench) -> None:
    await prove(mistake, bench)
