"""SQL for a drill, on production's server or a scratch one, through the psql beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.backups.snapshot import environment, psql
from bot.targets.marked import MARK
from bot.targets.model import DatabasePlace, Target

QUICK = timedelta(seconds=60)

# What a role or a database sets for the application's sessions must not end ours.
_OPTIONS = (
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c client_min_messages=warning"
)


@dataclass(frozen=True)
class Session:
    """How one database is asked. `mark` names the sessions on the server."""

    target: Target
    place: DatabasePlace
    mark: str

    async def lines(
        self,
        what: str,
        statements: str,
        variables: Mapping[str, str] | None = None,
        *,
        limit: timedelta = QUICK,
    ) -> list[str]:
        """Runs statements until the first error; the lines they answer. `variables` are psql's,
        which it quotes: `:'name'` as a text, `:"name"` as a name.

        `what` begins the sentence of a failure. Raises Failed, and Unavailable at the limit.
        """
        own = self.place.environment.get("PGOPTIONS", "")
        signed_in = environment(self.place, self.mark) | {
            MARK: self.mark,
            "PGOPTIONS": f"{own} {_OPTIONS}".strip(),
            "PGCLIENTENCODING": "UTF8",
        }
        done = await self.target.run(
            psql(self.target, *[f"--set={k}={v}" for k, v in (variables or {}).items()]),
            timeout=limit,
            service=self.place.service,
            environment=signed_in,
            stdin=statements.encode(),
        )
        if done.status:
            raise failure(self.target, what, done.status, done.stderr)
        return done.stdout.removesuffix("\n").split("\n") if done.stdout else []

    async def value(self, what: str, query: str) -> Any:
        """The one JSON value that a query answers."""
        (line,) = await self.lines(what, query)
        return json.loads(line)
