"""What goes on in the background of a hosting platform, as far as its log tells of it."""

import logging
import threading
import time
from itertools import count

INTERVAL = 7.0
"""Seconds between two lines."""

_LINES = (
    ("grandvps.billing", "payment of user %d booked"),
    ("grandvps.provision", "server %d answers on port 22"),
    ("grandvps.accounts", "user %d signed in"),
    ("grandvps.billing", "invoice for user %d sent"),
    ("grandvps.support", "ticket of user %d answered"),
)


def start() -> None:
    """Begins in a thread that ends with the process."""
    threading.Thread(target=_work, name="worker", daemon=True).start()


def _work() -> None:
    for turn in count(1):
        time.sleep(INTERVAL)
        name, line = _LINES[turn % len(_LINES)]
        # A number like any other, the same at every run.
        logging.getLogger(name).info(line, 1 + turn * 7919 % 60_000)
