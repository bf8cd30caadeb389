"""The environment that processes are given, and what PostgreSQL's tools read from theirs."""

from collections.abc import Mapping

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

_KEPT = frozenset(
    {
        "DBUS_SESSION_BUS_ADDRESS",
        "DOCKER_CERT_PATH",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "DOCKER_TLS_VERIFY",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "PATH",
        "SHELL",
        "SSH_AUTH_SOCK",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
        "VIRTUAL_ENV",
        "XDG_RUNTIME_DIR",
    }
)


def for_children(own: Mapping[str, str]) -> dict[str, str]:
    """The part of Opsbell's own environment that a process on this machine may see.

    Opsbell's tokens stand in its environment, and a PGHOST there is not the target's: what is not
    known to be harmless stays behind.
    """
    return {name: value for name, value in own.items() if name in _KEPT or name.startswith("LC_")}


def from_database_url(url: str) -> dict[str, str]:
    """A connection URL as the environment variables that libpq reads (PGHOST, PGPASSWORD, …).

    Parameters for which libpq has no variable, such as keepalives, are left out. Raises ValueError
    (without the URL) where it is none.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError("not a connection URL of PostgreSQL") from None
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar
    }
    return {
        variables[name]: str(value)
        for name, value in parameters.items()
        if name in variables and value is not None
    }
