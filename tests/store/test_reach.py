"""Why PostgreSQL lets nobody in: what the text of libpq and of the server means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from bot.errors import Unavailable
from bot.store import reach
from tests.parts.tcp_proxy import TcpProxy

URL = "postgresql://opsbell:s3cret@db.example:6432/prod"


@pytest.mark.parametrize(
    ("text", "says", "passes"),
    [
        (
            "connection failed: FATAL:  the database system is starting up",
            "PostgreSQL at db.example:6432 is still starting.",
            True,
        ),
        (
            "connection failed: FATAL:  sorry, too many clients already",
            "PostgreSQL has no connection left for Opsbell.",
            True,
        ),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "opsbell", database "prod"',
            "PostgreSQL's pg_hba.conf does not let opsbell into prod from 10.0.0.7.",
            False,
        ),
        (
            "connection failed:\nFATAL:  Passwort-Authentifizierung fehlgeschlagen",
            "PostgreSQL cannot be used: FATAL:  Passwort-Authentifizierung fehlgeschlagen",
            True,
        ),
    ],
)
def test_a_cause_has_words_and_may_pass_or_not(text: str, says: str, passes: bool) -> None:
    error = reach.explained(psycopg.OperationalError(text), URL)
    assert (error.message, error.retryable) == (says, passes)
    assert "s3cret" not in str(error)


def test_a_place_is_named_without_its_password() -> None:
    assert reach.place(URL) == "db.example:6432"
    assert reach.place("postgresql:///prod?host=/run/postgresql") == (
        "/run/postgresql/.s.PGSQL.5432"
    )


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    directory = parse_qs(urlsplit(database_url).query)["host"][0]
    async with TcpProxy(directory, 5432) as opened:
        yield opened


def through(proxy: TcpProxy, database_url: str) -> str:
    return f"postgresql://postgres@127.0.0.1:{proxy.port}{urlsplit(database_url).path}"


async def test_a_server_that_comes_back_is_waited_for(proxy: TcpProxy, database_url: str) -> None:
    proxy.refuse()
    waiting = asyncio.create_task(reach.reach(through(proxy, database_url)))
    done, _ = await asyncio.wait([waiting], timeout=3 * reach.PAUSE.total_seconds())
    assert not done
    proxy.resume()
    await waiting


async def test_one_that_does_not_is_named_when_patience_ends(
    proxy: TcpProxy, database_url: str
) -> None:
    proxy.refuse()
    with pytest.raises(Unavailable, match=f"127.0.0.1:{proxy.port}: Connection refused"):
        await reach.reach(through(proxy, database_url), timedelta(seconds=0.3))


async def test_one_that_says_nothing_is_given_up(
    proxy: TcpProxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "ATTEMPT_LIMIT", timedelta(seconds=0.3))
    proxy.hold()
    with pytest.raises(Unavailable, match=f"does not answer at 127.0.0.1:{proxy.port}."):
        await reach.connect(through(proxy, database_url))
