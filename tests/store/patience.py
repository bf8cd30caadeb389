"""How long an inbox of the tests waits for PostgreSQL, and where it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from bot.store.inbox import Inbox

# Whatever can be taken is taken, however busy the machine is.
PATIENCE = timedelta(seconds=30)


@contextlib.contextmanager
def impatient(inbox: Inbox) -> Iterator[None]:
    """The inbox refuses after a second what it is asked for within the block: for entries that
    cannot be taken."""
    patience, inbox._limit = inbox._limit, timedelta(seconds=1)
    try:
        yield
    finally:
        inbox._limit = patience
