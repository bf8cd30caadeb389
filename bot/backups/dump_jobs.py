"""How many sessions dump or restore a database at once: as many as there are cores to spare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from bot.backups.processes import failure
from bot.errors import Failed
from bot.targets.model import Target

MOST_JOBS = 8
"""Each job is a session on the server and a process beside it."""

WORTH_IT = 64 << 20
"""Bytes of tables below which one session is done before several are ready."""

MOST_FILES = 2000
"""Tables, or large objects, above which a directory dump is too many files."""

_SPEEDUP = 1.3
_SAMPLE = "0.2"
_LOOK_LIMIT = timedelta(seconds=30)

# Argument: seconds. Idle time of so long, of all cores; then how many of them may be used, by
# affinity and by cgroup (version 2, then 1). Says: cores, hundredths of them idle, quota, period.
_LOOK = """
sample() { read -r _ user nice system idle iowait irq softirq steal _ </proc/stat; }
cores=$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)
all=$(grep -c '^cpu[0-9]' /proc/stat)
sample
before=$((idle + iowait)) total=$((user + nice + system + idle + iowait + irq + softirq + steal))
sleep "$1"
sample
idle=$((idle + iowait - before))
total=$((user + nice + system + idle + before + irq + softirq + steal - total))
quota=max period=0
if [ -r /sys/fs/cgroup/cpu.max ]; then
    read -r quota period </sys/fs/cgroup/cpu.max
elif [ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
    read -r quota </sys/fs/cgroup/cpu/cpu.cfs_quota_us
    read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us
fi
[ "$total" -gt 0 ] || total=1
echo "$cores $((100 * all * idle / total)) $quota $period"
"""


@dataclass(frozen=True)
class Sizes:
    """What a dump has to read. `total` and `largest` are bytes of tables without their indexes;
    `files` are the files of a directory dump, up to somewhat above MOST_FILES; `connections` are
    those that the server has left."""

    total: int
    largest: int
    files: int
    connections: int


def jobs_for(sizes: Sizes, spare: int) -> int:
    """How many jobs dump so much where `spare` cores are free: 1 where more would not be faster.

    One table is one job's, so the largest one bounds what the others can gain. Half of the
    connections that are left stay the application's; the dump takes one more than its jobs, and
    the snapshot one.
    """
    jobs = min(spare, MOST_JOBS, sizes.connections // 2 - 2)
    if jobs < 2 or sizes.total < WORTH_IT or sizes.files > MOST_FILES:
        return 1
    slowest = max(sizes.largest, sizes.total / jobs)
    return jobs if sizes.total / slowest >= _SPEEDUP else 1


async def spare_cores(target: Target, service: str | None) -> int:
    """The cores that are idle now and that a service's container, or this machine (None), may use;
    at least 1. A machine that cannot be looked at has one.

    Raises Unavailable, and NotFound for a service that does not run.
    """
    return await _look(target, service, busy_too=False)


async def usable_cores(target: Target, service: str | None) -> int:
    """The same with those that are busy: for what people wait for while their application is
    away or broken."""
    return await _look(target, service, busy_too=True)


async def _look(target: Target, service: str | None, *, busy_too: bool) -> int:
    seconds = "0" if busy_too else _SAMPLE
    done = await target.run(
        ["sh", "-c", _LOOK, "sh", seconds], timeout=_LOOK_LIMIT, service=service
    )
    try:
        if done.status:
            raise failure(target, "Counting cores", done.status, done.stderr)
        return parse_cores(done.stdout, busy_too=busy_too)
    except (Failed, ValueError):
        return 1


def parse_cores(said: str, *, busy_too: bool = False) -> int:
    """What the look at a machine said, as whole cores. Raises ValueError for anything else.

    A core that is idle in part counts: jobs give way to one another, and the look itself keeps
    one busy for a moment.
    """
    cores, idle, quota, period = said.split()
    spare = float(cores) if busy_too else min(float(cores), math.ceil(int(idle) / 100))
    if quota not in ("max", "-1") and int(period) > 0:
        spare = min(spare, int(quota) / int(period))
    return max(1, round(spare))
