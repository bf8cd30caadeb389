"""A number from the target's database, asked with psql where its tools are.

The query runs in a read-only transaction with a time limit of the server's own. It is the
configuration's text and trusted as such; psql's own commands (``\\!`` runs a program) are not SQL
and are refused.
"""

import math
from datetime import timedelta

from bot.checks.finding import Finding
from bot.checks.thresholds import judge, number, reached
from bot.config.checks import SqlCheck
from bot.errors import Unavailable
from bot.targets.model import Completed, Target

_END = "\x1e"
"""Ends each value that psql prints: ASCII's record separator, which no number holds."""

_SERVER_SHARE = 0.9
"""Of the time limit, so that the server's own message comes before ours."""


async def look_with_sql(name: str, check: SqlCheck, target: Target) -> Finding:
    """Raises Unavailable where the query fails or gives no number."""
    value = _first_number(await _ask(check, target))
    limit = reached(value, check.warn, check.crit)
    note = f" (limit {number(limit)})" if limit is not None else ""
    return Finding(
        judge(value, check.warn, check.crit),
        f"{number(value)} {name.replace('-', ' ')}{note}",
        value=value,
    )


async def _ask(check: SqlCheck, target: Target) -> Completed:
    query = check.query.strip()
    if query.startswith("\\"):
        raise Unavailable("The query is a command of psql's, not SQL.", retryable=False)
    place = target.database()
    milliseconds = max(1, int(check.timeout / timedelta(milliseconds=1) * _SERVER_SHARE))
    argv = [target.tool("psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
    argv += [f"--field-separator={_END}", f"--record-separator={_END}", "--no-password"]
    argv += ["--set", "ON_ERROR_STOP=1"]
    argv += ["--command", f"begin read only; set local statement_timeout = {milliseconds}"]
    argv += ["--command", query]
    done = await target.run(
        argv,
        timeout=check.timeout,
        service=place.service,
        environment={**place.environment, "PGCONNECT_TIMEOUT": str(_seconds(check.timeout))},
    )
    if done.status != 0:
        raise Unavailable(f"The query failed: {_reason(done.stderr)}")
    return done


def _first_number(done: Completed) -> float:
    first = done.stdout.partition(_END)[0].strip()
    if not first:
        raise Unavailable("The query returned no value.", retryable=False)
    try:
        value = float(first)
    except ValueError:
        raise Unavailable(
            f"The query returned no number: {first[:100]}.", retryable=False
        ) from None
    if not math.isfinite(value):
        raise Unavailable(f"The query returned no number: {first}.", retryable=False)
    return value


def _reason(errors: str) -> str:
    """psql's first line, which says what is wrong; the others point at the place."""
    line = errors.strip().partition("\n")[0]
    for prefix in ("psql: error: ", "ERROR:  ", "FATAL:  "):
        line = line.removeprefix(prefix)
    return f"{line.rstrip('.')}." if line else "psql said nothing."


def _seconds(span: timedelta) -> int:
    # libpq takes 1 for 2, and 0 for endless.
    return max(2, int(span.total_seconds()))
