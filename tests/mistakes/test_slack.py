"""A newcomer's mistakes with the Slack app's credentials and scopes, made in the local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.playground.workspace import App
from tests.mistakes.slack_scenes import Produce, environment, slack_is
from tests.mistakes.table import Bench, Mistake, Scene, prove
from tests.parts.process import opsbell

BOT_PLACE = "the bot token (xoxb-…), from OAuth & Permissions in the app's settings"
APP_PLACE = (
    "the app-level token (xapp-…), from Basic Information, App-Level Tokens in the app's settings"
)
REINSTALL = (
    "Add what is missing under OAuth & Permissions, Bot Token Scopes in the app's settings,"
    " then install it again."
)


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


# What a start cannot go on with, each with the exit status of `run`; `run` says it in the same
# words, without the subject in front.
HOPELESS = [
    (
        Mistake(
            "the tokens are swapped",
            environment({"SLACK_BOT_TOKEN": "xapp-1-A1-2-b"}),
            f"SLACK_BOT_TOKEN: Found an app-level token (xapp-…). Set it to {BOT_PLACE}.",
        ),
        2,
    ),
    (
        Mistake(
            "the bot token for the app's",
            environment({"SLACK_APP_TOKEN": "xoxb-1-2-b"}),
            f"SLACK_APP_TOKEN: Found a bot token (xoxb-…). Set it to {APP_PLACE}.",
        ),
        2,
    ),
    (
        Mistake(
            "a user token",
            environment({"SLACK_BOT_TOKEN": "xoxp-1-2-3-b"}),
            f"SLACK_BOT_TOKEN: Found a user token (xoxp-…). Set it to {BOT_PLACE}.",
        ),
        2,
    ),
    (
        Mistake(
            "quotes in an env file",
            environment({"SLACK_BOT_TOKEN": '"{}"'}),
            f"SLACK_BOT_TOKEN: Found quotes around it. Set it to {BOT_PLACE}, without quotes.",
        ),
        2,
    ),
    (
        Mistake(
            "Bearer before the token",
            environment({"SLACK_BOT_TOKEN": "Bearer {}"}),
            f"SLACK_BOT_TOKEN: Found the word Bearer before it. Set it to {BOT_PLACE}, alone.",
        ),
        2,
    ),
    (
        Mistake(
            "a blank after the token in a file",
            token_file,
            "SLACK_BOT_TOKEN_FILE: Found spaces or a line end around it."
            f" Set it to {BOT_PLACE}, alone.",
        ),
        2,
    ),
    (
        Mistake(
            "no app-level token",
            missing_token,
            f"SLACK_APP_TOKEN: Found nothing. Set it to {APP_PLACE}, here or in a file that"
            " SLACK_APP_TOKEN_FILE names.",
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
    if status == 2:
        line = line.replace("Found ", "found ").replace(". Set it to ", ", expected ")
        line = f"environment: {subject}: {line.removesuffix('.')}"
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
        await bench.slack.wait_connected(2, timeout=60)
        app.dead_tokens[app.app_token] = "token_revoked"
        await bench.slack.drop_sockets()
        await process.wait_for_line("socket not opened.*was revoked")
        del app.dead_tokens[app.app_token]
        await bench.slack.wait_connected(2)
