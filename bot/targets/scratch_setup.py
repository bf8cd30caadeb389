"""What a scratch server is made of: the scripts in its container and its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DIRECTORY = "/tmp"  # noqa: S108  in a container of its own

# The shell stays, as the parent of what is left behind when a process in the container is ended,
# and ends the server after a day in which nobody came to remove it.
RUN = """\
umask 077
PATH=$PATH:/usr/lib/postgresql/$MAJOR/bin:/usr/pgsql-$MAJOR/bin
initdb --pgdata=/tmp/data --auth=trust --no-sync "$@" >/tmp/initdb.log 2>&1 || {
    cat /tmp/initdb.log >&2
    exit 1
}
printf '%s\\n' "$SETTINGS" >>/tmp/data/postgresql.conf
postgres -D /tmp/data &
server=$!
trap 'kill -INT "$server"' TERM INT
(sleep 86400 && kill -INT "$server") &
wait "$server"
"""

# Who the server runs as: the first process called postgres, its real user and group.
WHO = """\
for process in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$process/comm" || continue
    case $name in postgres | postmaster) ;; *) continue ;; esac
    user= group=
    while read -r key value rest; do
        case $key in Uid:) user=$value ;; Gid:) group=$value ;; esac
    done 2>/dev/null <"$process/status"
    [ "$user" ] && echo "$user:$group" && exit 0
done
exit 1
"""


@dataclass(frozen=True)
class ScratchSettings:
    """How the empty cluster is made: its superuser, its PostgreSQL's major version, `initdb`'s
    further options, and what is added to its configuration."""

    superuser: str
    major: int
    options: tuple[str, ...]
    configuration: Mapping[str, str]


def configuration(settings: Mapping[str, str]) -> str:
    """Lines of postgresql.conf: `settings`, and what makes a server that is thrown away."""
    fixed = {
        "listen_addresses": "",
        "unix_socket_directories": DIRECTORY,
        "port": "5432",
        # Its data are thrown away, so nothing waits for the disk.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "archive_mode": "off",
        "max_wal_size": "512MB",
    }
    return "\n".join(f"{name} = {_quoted(value)}" for name, value in {**settings, **fixed}.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
