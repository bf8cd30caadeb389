"""Processes in a container that a killed backup has left: found by a mark, and ended.

The Engine does not end a process whose reader is gone, and a tool that nobody reads from waits for
ever to write. On this machine `bot.backups.leftovers_here` ends what writes files.
"""

from __future__ import annotations

from datetime import timedelta

from bot.backups.processes import failure
from bot.targets.model import Target

MARK = "OPSBELL_BACKUP"
"""The environment variable that marks a process of a backup."""

_LIMIT = timedelta(seconds=60)
# Children before their parents: a tool that outlived its parent would belong to the container's
# first process, and PostgreSQL restarts the whole server when a child of its dies by a signal.
_KILL_BY_ENVIRONMENT = """
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    found= parents=
    for process in /proc/[0-9]*; do
        read -r line 2>/dev/null <"$process/stat" || continue
        set -- "$1" ${line##*) }
        parents="$parents $3 "
        grep -qF "$1" "$process/environ" 2>/dev/null || continue
        # The mark may be the beginning of another one's.
        tr '\\0' '\\n' 2>/dev/null <"$process/environ" | grep -qxF "$1" || continue
        found="$found ${process#/proc/}"
    done
    [ "$found" ] || exit 0
    for pid in $found; do
        case $parents in *" $pid "*) ;; *) kill -9 "$pid" 2>/dev/null ;; esac
    done
    sleep 0.1
done
echo "processes of the backup remain: $found" >&2
exit 1
"""


async def end_leftovers(target: Target, service: str, mark: str) -> None:
    """Ends all processes in a service's container whose environment has `mark` as MARK. Raises
    Failed where some remain."""
    argv = ["sh", "-c", _KILL_BY_ENVIRONMENT, "sh", f"{MARK}={mark}"]
    done = await target.run(argv, timeout=_LIMIT, service=service)
    if done.status:
        raise failure(target, "Ending the processes of the backup", done.status, done.stderr)
