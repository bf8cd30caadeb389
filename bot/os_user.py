"""The operating system's users, by their names where they have any."""

from __future__ import annotations

import os
import pwd
import socket


def username(uid: int) -> str:
    """The name of a user, or its number where it has none, as in a container."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def me() -> str:
    """The user who runs this program, whatever the environment says."""
    return username(os.geteuid())


def host() -> str:
    """The machine, as it calls itself."""
    return socket.gethostname()
