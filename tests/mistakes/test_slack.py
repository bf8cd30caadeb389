"""A newcomer's mistakes with the Slack app and its workspace, made in the local Slack."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.playground import Channel, LocalSlack, UserGroup
from bot.playground.workspace import App
from tests.mistakes.table import Bench, Mistake, Scene, prove
from tests.parts.process import opsbell
from tests.parts.require import need

Produce = Callable[[Bench], AbstractAsyncContextManager[Scene]]

BOT_PLACE = "the bot token (xoxb-…), from OAuth & Permissions in the app's settings"
APP_PLACE = (
    "the app-level token (xapp-…), from Basic Information, App-Level Tokens in the app's settings"
)
REINSTALL = (
    "Add what is missing under OAuth & Permissions, Bot Token Scopes in the app's settings,"
    " then install it again."
)
MEMBER_ID = "in Slack, open their profile, ⋮, Copy member ID"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with LocalSlack() as slack:
        yield Bench(tmp_path, "embedded", slack)


def environment(changes: Mapping[str, str]) -> Produce:
    """Sound but for these variables; a `{}` in one stands for what is right there."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        bench.config()
        env = bench.env
        env |= {name: text.replace("{}", env.get(name, "")) for name, text in changes.items()}
        yield Scene(bench.directory, env)

    return produce


def slack_is(change: Callable[[LocalSlack], object], *parts: str) -> Produce:
    """The workspace or the app is changed; `parts` are YAML, added to the configuration."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        change(bench.slack)
        bench.config(*parts)
        yield Scene(bench.directory, bench.env)

    return produce


def as_it_is(slack: LocalSlack) -> None:
    """Nothing is changed in Slack."""


def roles(text: str, *parts: str, change: Callable[[LocalSlack], object] = as_it_is) -> Produce:
    """The operators are others than the sample's."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        change(bench.slack)
        file = bench.config(*parts)
        file.write_text(file.read_text().replace('operator: ["@ops"]', f"operator: {text}"))
        yield Scene(bench.directory, bench.env)

    return produce


@asynccontextmanager
async def token_file(bench: Bench) -> AsyncIterator[Scene]:
    """`echo "$TOKEN " > file`: a blank before the line's end."""
    bench.config()
    file = bench.directory / "token"
    file.write_text(f"{bench.slack.bot_token} \n")
    env = {name: text for name, text in bench.env.items() if name != "SLACK_BOT_TOKEN"}
    yield Scene(bench.directory, env | {"SLACK_BOT_TOKEN_FILE": str(file)})


@asynccontextmanager
async def missing_token(bench: Bench) -> AsyncIterator[Scene]:
    bench.config()
    yield Scene(bench.directory, bench.env | {"SLACK_APP_TOKEN": ""})


def dead(code: str) -> Produce:
    return slack_is(lambda slack: slack.workspace.app.dead_tokens.update({slack.bot_token: code}))


@asynccontextmanager
async def token_of_another_app(bench: Bench) -> AsyncIterator[Scene]:
    bench.slack.workspace.other_apps.append(App(id="A0OTHER001", app_token="xapp-other"))
    bench.config()
    yield Scene(bench.directory, bench.env | {"SLACK_APP_TOKEN": "xapp-other"})


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@asynccontextmanager
async def nobody_there(bench: Bench) -> AsyncIterator[Scene]:
    port = free_port()
    bench.config()
    env = bench.env | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}
    yield Scene(bench.directory, env, places={"port": port})


@asynccontextmanager
async def dead_proxy(bench: Bench) -> AsyncIterator[Scene]:
    """The proxy of the environment is not there; Slack itself is never asked."""
    port = free_port()
    bench.config()
    env = bench.env | {"SLACK_API_URL": "https://slack.example/api/"}
    for name in ("HTTPS_PROXY", "https_proxy"):
        env[name] = f"http://127.0.0.1:{port}"
    env |= {"NO_PROXY": "", "no_proxy": ""}
    yield Scene(bench.directory, env, places={"port": port})


@asynccontextmanager
async def sign_in_page(
    content_type: str, trusted: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that answers everything with status 200 and a page; its port."""

    async def sign_in(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Sign in</h1>", content_type=content_type)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", sign_in)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trusted).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def page(content_type: str) -> Produce:
    """A proxy or a captive portal answers in Slack's place."""

    @asynccontextmanager
    async def produce(bench: Bench) -> AsyncIterator[Scene]:
        async with sign_in_page(content_type) as port:
            bench.config()
            env = bench.env | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}
            yield Scene(bench.directory, env, places={"port": port})

    return produce


def own_certificate(directory: Path) -> ssl.SSLContext:
    """A certificate for localhost that nobody else has signed."""
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    keys = ("-keyout", "key.pem", "-out", "certificate.pem")
    argv = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *keys, *subject)
    subprocess.run(argv, cwd=directory, capture_output=True, check=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    return context


@asynccontextmanager
async def untrusted_certificate(bench: Bench) -> AsyncIterator[Scene]:
    """A proxy that opens TLS, with a certificate of its own."""
    need("openssl")
    async with sign_in_page("text/html", own_certificate(bench.directory)) as port:
        bench.config()
        env = bench.env | {"SLACK_API_URL": f"https://localhost:{port}/api/"}
        yield Scene(bench.directory, env, places={"port": port})


HTTP = "slack: {mode: http}"


@asynccontextmanager
async def cut_signing_secret(bench: Bench) -> AsyncIterator[Scene]:
    bench.config(HTTP)
    yield Scene(bench.directory, bench.env | {"SLACK_SIGNING_SECRET": "0123456789abcdef"})


@asynccontextmanager
async def wrong_clock(bench: Bench) -> AsyncIterator[Scene]:
    """Slack's clock stands an hour before this machine's."""
    async with LocalSlack(clock=lambda: time.time() - 3600.5) as slack:
        there = replace(bench, slack=slack)
        there.config(HTTP)
        yield Scene(there.directory, there.env | {"SLACK_SIGNING_SECRET": "0123456789abcdef" * 2})


def add_channel(slack: LocalSlack) -> None:
    """A private channel to which nobody invited the bot."""
    workspace = slack.workspace
    workspace.add_channel(Channel("C0SECRET01", "secret", "private_channel", {"U0ALICE001"}))


def archive(slack: LocalSlack) -> None:
    slack.workspace.find_channel("ops").archived = True


def leave(slack: LocalSlack) -> None:
    workspace = slack.workspace
    workspace.find_channel("ops").members.discard(workspace.app.user_id)


def guest(slack: LocalSlack) -> None:
    slack.workspace.people["U0EVE00001"].is_guest = True


def gone(slack: LocalSlack) -> None:
    slack.workspace.people["U0EVE00001"].deleted = True


def empty_group(slack: LocalSlack) -> None:
    slack.workspace.groups["S0NIGHT001"] = UserGroup("S0NIGHT001", "night", "Night shift")


@asynccontextmanager
async def workspace_without_groups(bench: Bench) -> AsyncIterator[Scene]:
    """They are part of Slack's paid plans."""
    bench.slack.workspace.groups.clear()
    file = bench.config()
    file.write_text(file.read_text().replace('"@admins"', "U0CAROL001"))
    yield Scene(bench.directory, bench.env)


DAILY = "checklists: {daily: {title: Daily, channel: %s, items: [Look]}}"

# What a start cannot go on with, each with the exit status of `run`; `run` says it in the same
# words, without the subject in front.
HOPELESS = [
    (
        Mistake(
            "the tokens are swapped",
            environment({"SLACK_BOT_TOKEN": "xapp-1-A1-2-b"}),
            f"SLACK_BOT_TOKEN: found an app-level token (xapp-…), expected {BOT_PLACE}",
        ),
        2,
    ),
    (
        Mistake(
            "the bot token for the app's",
            environment({"SLACK_APP_TOKEN": "xoxb-1-2-b"}),
            f"SLACK_APP_TOKEN: found a bot token (xoxb-…), expected {APP_PLACE}",
        ),
        2,
    ),
    (
        Mistake(
            "a user token",
            environment({"SLACK_BOT_TOKEN": "xoxp-1-2-3-b"}),
            f"SLACK_BOT_TOKEN: found a user token (xoxp-…), expected {BOT_PLACE}",
        ),
        2,
    ),
    (
        Mistake(
            "quotes in an env file",
            environment({"SLACK_BOT_TOKEN": '"{}"'}),
            f"SLACK_BOT_TOKEN: found quotes around it, expected {BOT_PLACE}, without quotes",
        ),
        2,
    ),
    (
        Mistake(
            "Bearer before the token",
            environment({"SLACK_BOT_TOKEN": "Bearer {}"}),
            f"SLACK_BOT_TOKEN: found the word Bearer before it, expected {BOT_PLACE}, alone",
        ),
        2,
    ),
    (
        Mistake(
            "a blank after the token in a file",
            token_file,
            "SLACK_BOT_TOKEN_FILE: found spaces or a line end around it,"
            f" expected {BOT_PLACE}, alone",
        ),
        2,
    ),
    (
        Mistake(
            "no app-level token",
            missing_token,
            f"SLACK_APP_TOKEN: found nothing, expected {APP_PLACE}, here or in a file that"
            " SLACK_APP_TOKEN_FILE names",
        ),
        2,
    ),
    (
        Mistake(
            "a token cut short",
            environment({"SLACK_BOT_TOKEN": "xoxb-1000000001-2000000002"}),
            "SLACK_BOT_TOKEN: Slack does not know the SLACK_BOT_TOKEN; with 26 characters it looks"
            " cut short. Copy it again from OAuth & Permissions in the app's settings.",
        ),
        1,
    ),
    (
        Mistake(
            "a revoked token",
            dead("token_revoked"),
            "SLACK_BOT_TOKEN: The SLACK_BOT_TOKEN was revoked. Install the app again and copy the"
            " new one: OAuth & Permissions in the app's settings.",
        ),
        1,
    ),
    (
        Mistake(
            "an app that was removed",
            dead("account_inactive"),
            "SLACK_BOT_TOKEN: The SLACK_BOT_TOKEN is of an app that was removed. Install the app"
            " again and copy the new one: OAuth & Permissions in the app's settings.",
        ),
        1,
    ),
    (
        Mistake(
            "an app-level token without its scope",
            slack_is(lambda slack: slack.workspace.app.app_scopes.clear()),
            "SLACK_APP_TOKEN: The SLACK_APP_TOKEN lacks the scope connections:write. Make a new"
            " one with that scope: Basic Information, App-Level Tokens in the app's settings.",
        ),
        1,
    ),
]
MISTAKES = [
    Mistake(
        "an app-level token of another app",
        token_of_another_app,
        "SLACK_APP_TOKEN: The SLACK_APP_TOKEN is of another Slack app (A0OTHER001) than the"
        " SLACK_BOT_TOKEN (A0APP00001). Copy both from the settings of the same app.",
    ),
    Mistake(
        "a missing scope",
        slack_is(lambda slack: slack.workspace.app.scopes.discard("usergroups:read")),
        "Scopes: The app lacks the scope usergroups:read (roles that are given to user groups)."
        f" {REINSTALL}",
    ),
    Mistake(
        "two missing scopes",
        slack_is(
            lambda slack: slack.workspace.app.scopes.difference_update(("files:write", "commands"))
        ),
        f"Scopes: The app lacks the scopes commands and files:write. {REINSTALL}",
    ),
    Mistake(
        "nobody at SLACK_API_URL",
        nobody_there,
        "Slack: Slack cannot be reached at 127.0.0.1:{port}: Connection refused."
        " Look at this machine's network and SLACK_API_URL.",
    ),
    Mistake(
        "SLACK_API_URL without its path",
        page("text/html"),
        "Slack: What answers at http://127.0.0.1:{port} is not Slack (text/html, status 200)."
        " Look at SLACK_API_URL, and at proxies on the way.",
    ),
    Mistake(
        "plain text in Slack's place",
        page("text/plain"),
        "Slack: What answers at SLACK_API_URL is not Slack (plain text)."
        " Look at SLACK_API_URL, and at proxies on the way.",
    ),
    Mistake(
        "a proxy that is not there",
        dead_proxy,
        "Slack: The proxy 127.0.0.1:{port} cannot be reached: Connection refused."
        " Correct HTTPS_PROXY, or name Slack's host in NO_PROXY.",
    ),
    Mistake(
        "a certificate of a proxy's own",
        untrusted_certificate,
        "Slack: localhost:{port} shows a certificate that is not trusted here."
        " Name your proxy's certificate authority in SSL_CERT_FILE.",
    ),
    Mistake(
        "a signing secret cut short",
        cut_signing_secret,
        "SLACK_SIGNING_SECRET: It has not the 32 hex digits of a signing secret."
        " Copy it again from Basic Information, App Credentials in the app's settings.",
    ),
    Mistake(
        "a clock that is wrong",
        wrong_clock,
        "Clock: This machine's clock is 1 h ahead of Slack's. Slack's requests are refused by"
        " their age. Let NTP set it: timedatectl set-ntp true",
    ),
    Mistake(
        "Opsbell is not in the channel",
        slack_is(leave),
        "slack.channels.ops: Opsbell is not in #ops. Type there: /invite @opsbell",
    ),
    Mistake(
        "a channel that does not exist",
        slack_is(as_it_is, DAILY % "opps"),
        "checklists.daily.channel: There is no channel #opps that Opsbell can see (did you mean"
        " ops?). Correct the name, or type /invite @opsbell in it if it is private.",
    ),
    Mistake(
        "a private channel",
        slack_is(add_channel, DAILY % "secret"),
        "checklists.daily.channel: There is no channel #secret that Opsbell can see."
        " Correct the name, or type /invite @opsbell in it if it is private.",
    ),
    Mistake(
        "an archived channel",
        slack_is(archive),
        "slack.channels.ops: #ops is archived. Unarchive it in Slack, or name another channel.",
    ),
    Mistake(
        "a group that does not exist",
        roles('["@opps"]'),
        "roles.operator: There is no user group @opps (did you mean @ops?). Correct the handle,"
        f" or name people by their member IDs ({MEMBER_ID}).",
    ),
    Mistake(
        "a workspace without groups",
        workspace_without_groups,
        "roles.operator: There is no user group @ops: this workspace has none."
        f" Name people by their member IDs ({MEMBER_ID}).",
    ),
    Mistake(
        "a person's handle for a group's",
        roles('["@alice"]'),
        "roles.operator: @alice is a person, and only groups are named by handle."
        " Write U0ALICE001 instead.",
    ),
    Mistake(
        "an empty group",
        roles('["@night"]', change=empty_group),
        "roles.operator: The user group @night has no members."
        " Add people to it in Slack, under People & user groups.",
    ),
    Mistake(
        "a person of another workspace's ID",
        roles("[U0NOBODY01]"),
        f"roles.operator: Sample has no person U0NOBODY01. Copy the ID again: {MEMBER_ID}.",
    ),
    Mistake(
        "a person who left",
        roles("[U0EVE00001]", change=gone),
        "roles.operator: U0EVE00001 (@eve) is deactivated."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "a guest",
        roles("[U0EVE00001]", change=guest),
        "roles.operator: U0EVE00001 (@eve) is a guest."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "the bot itself",
        roles("[U0BOT00001]"),
        "roles.operator: U0BOT00001 (@opsbell) is a bot."
        " Roles are for full members: name another person.",
    ),
    Mistake(
        "nobody else to approve",
        roles("[U0EVE00001]", "access: {restore: {role: operator, approvals: 1}}"),
        "access.restore: /restore asks for 1 approval by others with the role operator, which"
        " 1 person has. Add people to roles.operator, or lower access.restore.approvals.",
        status=0,
        sign="⚠️ warning",
    ),
]


@pytest.mark.parametrize(
    "mistake",
    [*(mistake for mistake, _ in HOPELESS), *MISTAKES],
    ids=lambda mistake: mistake.name,
)
async def test_check(mistake: Mistake[Bench], bench: Bench) -> None:
    await prove(mistake, bench)


@pytest.mark.parametrize(
    ("mistake", "status"), HOPELESS, ids=lambda value: getattr(value, "name", "")
)
async def test_run_ends_with_the_same_words(
    mistake: Mistake[Bench], status: int, bench: Bench, database_url: str
) -> None:
    @asynccontextmanager
    async def run(on: Bench) -> AsyncIterator[Scene]:
        async with mistake.produce(on) as scene:
            yield replace(scene, command=("run",))

    subject, _, line = mistake.line.partition(": ")
    line = f"environment: {subject}: {line}" if status == 2 else line
    there = replace(bench, database_url=database_url)
    await prove(replace(mistake, produce=run, line=line, status=status), there)


async def test_run_ends_where_socket_mode_is_off(bench: Bench, database_url: str) -> None:
    """`check` cannot see it: Slack tells it to a connection alone, and `check` opens none."""
    line = (
        "Socket Mode is off for this Slack app. Turn it on under Socket Mode in the app's settings,"
        " or use slack.mode: http."
    )

    @asynccontextmanager
    async def off(on: Bench) -> AsyncIterator[Scene]:
        on.slack.workspace.app.socket_mode = False
        on.config()
        yield Scene(on.directory, on.env, command=("run",))

    there = replace(bench, database_url=database_url)
    await prove(Mistake("Socket Mode is off", off, line), there)


async def test_run_goes_on_trying_where_slack_is_away(bench: Bench, database_url: str) -> None:
    """The network may come back: `run` says it once and connects then."""
    await bench.slack.faults.away()
    there = replace(bench, database_url=database_url)
    there.config()
    async with opsbell("run", cwd=there.directory, env=there.env) as process:
        await process.wait_for_line("Slack not reached")
        await bench.slack.faults.back()
        await bench.slack.wait_connected()


async def test_run_survives_a_token_that_is_revoked_later(bench: Bench, database_url: str) -> None:
    """Once connected, Opsbell goes on trying: its settings may be put right again."""
    there = replace(bench, database_url=database_url)
    there.config()
    app = bench.slack.workspace.app
    async with opsbell("run", cwd=there.directory, env=there.env) as process:
        await bench.slack.wait_connected(2)
        app.dead_tokens[app.app_token] = "token_revoked"
        await bench.slack.drop_sockets()
        await process.wait_for_line("socket not opened.*was revoked")
        del app.dead_tokens[app.app_token]
        await bench.slack.wait_connected(2)
