"""Puts the libraries that Opsbell calls under watch: PostgreSQL, Slack, Docker, processes, files.

Only libraries are patched. What opens a transaction, and what merely looks every few seconds
whether there is something to do, changes nothing anywhere and is left out.
"""

import asyncio
import os
import re
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psycopg
import requests.adapters
from psycopg import pq, sql

from tests.crash.calls import Calls, caller

# Inside a transaction: undone by a kill. COMMITTED and everything else is there to stay.
STATEMENT, COMMIT, COMMITTED = "statement", "commit", "committed"

_BACKGROUND = (
    "bot.app._readiness",
    "bot.slack.gateway.Gateway._forget_old",
    "bot.slack.people.",
    "bot.slack.post_store.PostStore.next_",
    "bot.store.inbox.Inbox.forget_old",
    "bot.store.locks.kept_lock.",
    "bot.store.patient_jobs.",
    "bot.store.queue.Queue._revive_stalled",
    "bot.store.queue.Queue._work",
    "bot.store.queue.Queue.backlog",
    "schedules.clock.",
)
_QUEUE_VERB = re.compile(r"procrastinate_((?:finish|retry|fetch|cancel|abort)_job)")
_ALWAYS_ASKED = {"apps.connections.open", "link"}
_ID = re.compile(r"\d{8}T\d{6}Z\S*|\b[0-9a-f]{12,}\b|opsbell-test-[\d-]+")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def install(calls: Calls) -> None:
    """Watches from now on."""
    _watch_postgres(calls)
    _watch_slack(calls)
    _watch_docker(calls)
    _watch_processes(calls)
    _watch_files(calls)


def _watch_postgres(calls: Calls) -> None:
    execute = psycopg.AsyncCursor.execute
    execute_many = psycopg.AsyncCursor.executemany
    commit = psycopg.AsyncConnection.commit
    leave = psycopg.AsyncTransaction.__aexit__
    last: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    async def watched_execute(self: Any, query: Any, *args: Any, **named: Any) -> Any:
        what = _statement(query)
        if what.startswith("fetch_job"):
            result = await execute(self, query, *args, **named)
            # Only now is it known whether there was a job; its commit is the call that counts.
            is_job = self.pgresult is not None and self.pgresult.get_value(0, 0) is not None
            last[self.connection] = what if is_job else ""
            return result
        last[self.connection] = what
        kind = COMMITTED if self.connection.autocommit else STATEMENT
        with calls.made(what and f"{kind} {what}"):
            return await execute(self, query, *args, **named)

    async def watched_many(self: Any, query: Any, *args: Any, **named: Any) -> Any:
        what = _statement(query)
        with calls.made(what and f"{STATEMENT} {what}"):
            return await execute_many(self, query, *args, **named)

    async def watched_commit(self: Any) -> Any:
        open_one = self.info.transaction_status is not pq.TransactionStatus.IDLE
        what = last.get(self, "") if open_one else ""
        with calls.made(what and f"{COMMIT} {what}"):
            return await commit(self)

    async def watched_leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        where = caller()
        counts = kind is None and where and not where.startswith(_BACKGROUND)
        with calls.made(f"{COMMIT} {where}" if counts else ""):
            return await leave(self, kind, error, trace)

    _replace(psycopg.AsyncCursor, "execute", watched_execute)
    _replace(psycopg.AsyncCursor, "executemany", watched_many)
    _replace(psycopg.AsyncConnection, "commit", watched_commit)
    _replace(psycopg.AsyncTransaction, "__aexit__", watched_leave)


def _statement(query: Any) -> str:
    """A statement's name: the queue's verb, or its caller and first words; "" for background."""
    text = query.as_string(None) if isinstance(query, sql.Composable) else query
    text = text.decode() if isinstance(text, bytes) else str(text)
    if verb := _QUEUE_VERB.search(text):
        return verb[1]
    where, words = caller(), text.split()
    # The pool asks an empty statement of a connection before it gives it away.
    if not words or not where or where.startswith(_BACKGROUND):
        return ""
    return f"{where}: {' '.join(words[:4])[:60]}"


def _watch_slack(calls: Calls) -> None:
    request = aiohttp.ClientSession._request
    send = aiohttp.ClientWebSocketResponse.send_str

    async def watched_request(self: Any, method: str, url: Any, **named: Any) -> Any:
        path = [part for part in urlsplit(str(url)).path.split("/") if part]
        what = path[1] if path[0] == "api" else path[0]
        counts = what not in _ALWAYS_ASKED and not caller().startswith(_BACKGROUND)
        with calls.made(f"slack {what}" if counts else ""):
            return await request(self, method, url, **named)

    async def watched_send(self: Any, *args: Any, **named: Any) -> Any:
        with calls.made("slack ack"):
            return await send(self, *args, **named)

    _replace(aiohttp.ClientSession, "_request", watched_request)
    _replace(aiohttp.ClientWebSocketResponse, "send_str", watched_send)


def _watch_docker(calls: Calls) -> None:
    send = requests.adapters.HTTPAdapter.send
    connect = asyncio.open_unix_connection

    def watched_send(self: Any, request: Any, *args: Any, **named: Any) -> Any:
        path = _ID.sub("ID", urlsplit(request.url).path.partition("/v")[2].partition("/")[2])
        with calls.made(f"docker {request.method} {path}"):
            return send(self, request, *args, **named)

    async def watched_connect(*args: Any, **named: Any) -> Any:
        where = caller()
        with calls.made(f"docker stream {where}" if where else ""):
            return await connect(*args, **named)

    _replace(requests.adapters.HTTPAdapter, "send", watched_send)
    _replace(asyncio, "open_unix_connection", watched_connect)


def _watch_processes(calls: Calls) -> None:
    start = asyncio.create_subprocess_exec
    write = asyncio.StreamWriter.write

    async def watched_start(program: Any, *args: Any, **named: Any) -> Any:
        with calls.made(f"process {Path(program).name}"):
            return await start(program, *args, **named)

    def watched_write(self: Any, data: Any) -> None:
        where = caller()
        with calls.made(f"input {where}" if where.startswith("bot.targets.") else ""):
            write(self, data)

    _replace(asyncio, "create_subprocess_exec", watched_start)
    _replace(asyncio.StreamWriter, "write", watched_write)


def _watch_files(calls: Calls) -> None:
    """What backups change in their store; reading a target's files is no call to look at."""
    for name in ("open", "write", "fsync", "mkdir", "chmod", "rename", "unlink", "rmdir"):
        _replace(os, name, _watched_file_call(calls, name, getattr(os, name)))


def _watched_file_call(calls: Calls, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*args: Any, **named: Any) -> Any:
        where = caller()
        counts = where.startswith("bot.backups.") and (name != "open" or args[1] & _WRITING)
        what = "" if isinstance(args[0], int) else f" {_ID.sub('ID', Path(args[0]).name)}"
        with calls.made(f"file {name}{what} {where}" if counts else ""):
            return original(*args, **named)

    return watched


def _replace(place: Any, name: str, watched: Callable[..., Any | Awaitable[Any]]) -> None:
    setattr(place, name, watched)
