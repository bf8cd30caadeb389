"""`opsbell run`: Opsbell itself, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot import app
from bot.config.environment import SlackSecrets
from bot.config.load import load
from bot.core import opened
from bot.log import first_redact, set_up_logging


async def run(config: Path) -> int:
    """Runs until SIGINT or SIGTERM; the exit status. Raises ConfigurationError and Unavailable."""
    settings = load(config, os.environ)
    secrets = SlackSecrets.read(os.environ, settings.slack.mode)
    set_up_logging(first_redact(settings, secrets))
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.set_exception_handler(_one_line_at_the_end)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with opened(settings, secrets) as core:
        set_up_logging(core.redactor.redact)
        async with app.in_slack(core, secrets):
            logging.getLogger("opsbell").info("started", extra={"version": version("opsbell")})
            await stopping.wait()
    return 0


def _one_line_at_the_end(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task meets because all has ended, such as a database that is closed, is no defect.

    The queue's library can leave one behind where the start fails while its workers begin.
    """
    if "asyncio.run() shutdown" in context["message"]:
        error = context.get("exception")
        logging.getLogger("opsbell").warning(
            "task cut off at the end", extra={"error": repr(error)}
        )
    else:
        loop.default_exception_handler(context)
