"""A long output of a container goes through in constant memory, also to a slow reader."""

import json
import subprocess
import sys

from tests.parts.compose_project import ComposeProject
from tests.targets.places import compose_settings

MEGABYTES = 300
ALLOWED = 64 * 1024

# In a process of its own, whose peak is its own. It reads a tenth of the output at its leisure, so
# that a queue that grows while the reader is busy would show.
_READ = """
import asyncio, json, re, sys
from pathlib import Path
from tests.targets.places import opened

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

async def main():
    async with opened(json.loads(sys.argv[1])) as target:
        command = ["head", "-c", sys.argv[2], "/dev/zero"]
        before = total = 0
        async with target.process(command, service="web") as process:
            async for piece in process.chunks():
                before = before or peak()
                total += len(piece)
                if total < 3_000_000:
                    await asyncio.sleep(0.02)
            status = await process.wait()
        print(status, total, peak() - before)

asyncio.run(main())
"""


def test_memory_stays_constant(grandvps: ComposeProject) -> None:
    size = MEGABYTES * 1_000_000
    argv = [sys.executable, "-c", _READ, json.dumps(compose_settings(grandvps)), str(size)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    status, total, grown = map(int, done.stdout.split())
    assert (status, total) == (0, size)
    assert grown < ALLOWED, f"{grown} KiB more"
    print(f"peak memory rose by {grown} KiB")
