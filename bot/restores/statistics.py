"""What the planner knows of a restored database: roughly before it goes live, well soon after.

A database without statistics is slow at first; whole ones take long to gather. Rough ones are had
in a fraction of the time, and are what people wait for; `vacuumdb --analyze-in-stages` is made for
the same.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.backups.dump_jobs import spare_cores
from bot.backups.processes import failure
from bot.errors import OpsbellError
from bot.restores.server import Server
from bot.store.queue import Lane, Queue, may_pass
from bot.targets.targets import Targets

logger = logging.getLogger(__name__)

FOLLOW_JOB = "restore.statistics"
MOST_JOBS = 8

_LIMIT = timedelta(hours=6)
_ROUGH = "-c default_statistics_target=1"
"""vacuumdb's first stage: a hundredth of PostgreSQL's default, and with it of the rows sampled."""

_NOW = "-c vacuum_cost_delay=0"

# vacuumdb leaves these out, and autovacuum never comes to them.
_PARTITIONED = r"""
select format('analyze %s', oid::regclass) from pg_catalog.pg_class where relkind = 'p' \gexec
"""


async def ahead_of_autovacuum(server: Server) -> str:
    """A session's options with which autovacuum gives way at once, if the server lets us set them.

    It comes to new tables as soon as they are filled. Whoever needs such a table waits for
    `deadlock_timeout`, a second, before autovacuum is told to let go: with many tables that is
    most of a restore's time.
    """
    rows = await server.rows("Looking at the server", "select current_setting('is_superuser') as s")
    return "-c deadlock_timeout=20ms" if rows[0]["s"] == "on" else ""


async def gather(
    server: Server, database: str, *, jobs: int, options: str = "", rough: bool = False
) -> None:
    """Gathers statistics of all tables, by `jobs` at a time. Raises Failed, and Unavailable after
    six hours."""
    wanted = " ".join(filter(None, (_NOW, _ROUGH if rough else "", options)))
    argv = [server.target.tool("vacuumdb"), "--analyze-only", "--quiet", "--no-password"]
    done = await server.target.run(
        [*argv, f"--jobs={jobs}", server.dbname(database)],
        timeout=_LIMIT,
        service=server.service,
        environment=server.environment(database, wanted),
    )
    if done.status:
        raise failure(server.target, "vacuumdb", done.status, done.stderr)
    await server.ask("ANALYZE", _PARTITIONED, database, limit=_LIMIT, options=wanted)


class Following:
    """Gathers whole statistics of what was restored, once it is live. Production goes first: by as
    many at a time as there are cores to spare."""

    def __init__(self, queue: Queue, targets: Targets) -> None:
        self._targets = targets
        queue.handle(FOLLOW_JOB, self.follow, lane=Lane.WORK)

    async def follow(self, target: str, oid: int) -> None:
        """The job: nothing is done where the database `oid` is not the live one any more. Raises
        what may pass by itself: the queue tries that again."""
        try:
            await self._follow(target, oid)
        except OpsbellError as error:
            if may_pass(error):
                raise
            logger.warning(
                "only rough statistics of what was restored",
                extra={"target": target, "error": str(error)},
            )

    async def _follow(self, name: str, oid: int) -> None:
        target = self._targets.get(name)
        server = Server(target, f"opsbell statistics {name}")
        live = await server.database(server.place.name)
        if live is None or int(live["oid"]) != oid:
            return
        await gather(
            server,
            server.place.name,
            jobs=min(MOST_JOBS, await spare_cores(target, server.service)),
            options=await ahead_of_autovacuum(server),
        )
