"""Why PostgreSQL lets nobody in, in words that say what to do.

libpq tells the cause of a failed connection in its text alone, with no code; what is not
recognised there (a server that speaks another language) is handed on as it is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bot.errors import Unavailable

ATTEMPT_LIMIT = timedelta(seconds=5)
PATIENCE = timedelta(seconds=10)
PAUSE = timedelta(seconds=0.25)

Words = tuple[str, str]
"""What is wrong, and what to do."""

_URL = "in the database URL"


async def connect(url: str) -> psycopg.AsyncConnection[Any]:
    """One connection, which commits each statement. Raises Unavailable with the cause."""
    try:
        async with asyncio.timeout(ATTEMPT_LIMIT.total_seconds()):
            return await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name="opsbell"
            )
    except TimeoutError as error:
        says = f"PostgreSQL does not answer at {place(url)}."
        raise Unavailable(says, hint=f"Correct host and port {_URL}, or open the way.") from error
    except psycopg.Error as error:
        raise explained(error, url) from error


async def reach(url: str, patience: timedelta = PATIENCE) -> None:
    """Returns once PostgreSQL lets Opsbell in.

    Raises Unavailable with the cause: at once where waiting does not help, else after `patience`.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        try:
            connection = await connect(url)
        except Unavailable as error:
            if not error.retryable or time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE.total_seconds())
        else:
            await connection.close()
            return


def explained(error: psycopg.Error, url: str) -> Unavailable:
    """The cause of a connection that failed; `retryable` where it may pass by itself."""
    text = str(error)
    for pattern, words, passes in _CAUSES:
        if match := re.search(pattern, text):
            says, todo = words(url, match)
            return Unavailable(says, hint=todo, retryable=passes)
    last = text.strip().splitlines()[-1].strip() if text.strip() else type(error).__name__
    return Unavailable(f"PostgreSQL cannot be used: {last}", hint=f"Look at the settings {_URL}.")


def place(url: str) -> str:
    """Where a URL's server is: `host:port`, or the path of its socket. Never its password."""
    parts = _parts(url)
    host, port = parts.get("host", "localhost"), parts.get("port", "5432")
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"


def _parts(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    except psycopg.ProgrammingError:
        return {"host": urlsplit(url).hostname or "localhost"}


def _no_answer(url: str, match: re.Match[str]) -> Words:
    todo = f"Start PostgreSQL, or correct host and port {_URL}."
    return f"PostgreSQL does not answer at {place(url)}: {match[0]}.", todo


def _no_host(url: str, match: re.Match[str]) -> Words:
    return f"The database's host {match[1]} is not known here.", f"Correct it {_URL}."


def _no_password(url: str, match: re.Match[str]) -> Words:
    user = _parts(url).get("user", "this user")
    return f"PostgreSQL asks for the password of {user}.", f"Write it {_URL}, as user:password@."


def _wrong_password(url: str, match: re.Match[str]) -> Words:
    says = f"PostgreSQL refuses the user {match[1]} or the password."
    return says, f"Correct both {_URL}; @ : / in a password are written %40 %3A %2F."


def _no_role(url: str, match: re.Match[str]) -> Words:
    says = f"PostgreSQL has no user {match[1]}."
    return says, f"Make it there (createuser {match[1]}), or correct the user {_URL}."


def _no_database(url: str, match: re.Match[str]) -> Words:
    owner = _parts(url).get("user", "USER")
    says = f"PostgreSQL has no database {match[1]}."
    make = f"createdb --owner {owner} {match[1]}"
    return says, f"Make it there ({make}), or correct the name {_URL}."


def _no_tls_here(url: str, match: re.Match[str]) -> Words:
    says = f"PostgreSQL at {place(url)} does not offer TLS, and sslmode asks for it."
    return says, f"Turn TLS on there, or write sslmode=prefer {_URL}."


def _not_let_in(url: str, match: re.Match[str]) -> Words:
    says = f"PostgreSQL's pg_hba.conf does not let {match[2]} into {match[3]} from {match[1]}."
    also = f", or write sslmode=require {_URL} if it asks for TLS"
    return says, f"Add a line for it there{also if 'no encryption' in match[0] else ''}."


def _may_not_connect(url: str, match: re.Match[str]) -> Words:
    user = _parts(url).get("user", "USER")
    says = f"{user} may not connect to the database {match[1]}."
    return says, f"Run there: grant connect on database {match[1]} to {user};"


def _too_many(url: str, match: re.Match[str]) -> Words:
    says = "PostgreSQL has no connection left for Opsbell."
    return says, "Raise its max_connections, or the limit of this user or database."


def _starting(url: str, match: re.Match[str]) -> Words:
    return f"PostgreSQL at {place(url)} is still starting.", "Wait a moment."


def _another_program(url: str, match: re.Match[str]) -> Words:
    return f"What answers at {place(url)} is not PostgreSQL.", f"Correct host and port {_URL}."


# What stands in libpq's and the server's text → the words for it, and whether it may pass.
_CAUSES: tuple[tuple[str, Callable[[str, re.Match[str]], Words], bool], ...] = (
    (r"failed to resolve host '([^']*)'", _no_host, True),
    (r"could not translate host name \"([^\"]*)\"", _no_host, True),
    (r"Connection refused|No such file or directory|No route to host", _no_answer, True),
    (r"Network is unreachable|Connection reset by peer", _no_answer, True),
    (r"no password supplied", _no_password, False),
    (r"password authentication failed for user \"([^\"]*)\"", _wrong_password, False),
    (r"role \"([^\"]*)\" does not exist", _no_role, False),
    (r"database \"([^\"]*)\" does not exist", _no_database, False),
    (r"server does not support SSL", _no_tls_here, False),
    (
        (
            r"pg_hba\.conf (?:entry|rejects connection) for host \"([^\"]*)\", user \"([^\"]*)\","
            r" database \"([^\"]*)\".*"
        ),
        _not_let_in,
        False,
    ),
    (r"permission denied for database \"([^\"]*)\"", _may_not_connect, False),
    (r"too many (?:clients|connections)|remaining connection slots", _too_many, True),
    (r"is (?:starting up|shutting down)|not yet accepting connections", _starting, True),
    (
        r"invalid response to SSL negotiation|expected authentication request",
        _another_program,
        False,
    ),
)
