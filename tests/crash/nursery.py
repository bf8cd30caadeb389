"""The test's side of `child`: starts programs there, follows and kills them."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.crash.child import Order

REPOSITORY = Path(__file__).parents[2]
_LOOK_EVERY = 0.05


async def until(holds: Callable[[], bool], what: str, timeout: float = 120) -> None:
    """Returns once `holds`; raises AssertionError with `what` where it does not in time."""
    try:
        async with asyncio.timeout(timeout):
            while not holds():
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise AssertionError(what) from None


class Program:
    """A running Opsbell; `ended` is set as soon as it is gone."""

    def __init__(self, pid: int, order: Order) -> None:
        self.ended = asyncio.Event()
        self._pid = pid
        self._order = order
        self._handle: int | None = None
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self.ended.set()
        else:
            asyncio.get_running_loop().add_reader(self._handle, self._gone)

    @property
    def output(self) -> str:
        """What it has written so far."""
        path = Path(self._order.output)
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def journal(self) -> list[str]:
        """The calls that it noted so far."""
        path = Path(self._order.journal)
        return path.read_text().splitlines() if self._order.journal and path.exists() else []

    async def started(self) -> None:
        """Returns once it says that it has started."""
        begun = re.compile(r"opsbell started")
        await until(lambda: bool(begun.search(self.output)) or self.ended.is_set(), self.output)
        assert not self.ended.is_set(), self.output

    async def arm(self) -> None:
        """Has it count its calls from now on."""
        self._signal(signal.SIGUSR1)
        await until(lambda: "armed" in self.journal, "not armed")

    async def kill(self) -> None:
        """Ends it at once, if it still runs."""
        self._signal(signal.SIGKILL)
        await self.ended.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def _gone(self) -> None:
        assert self._handle is not None
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._handle = None
        self.ended.set()


class Nursery:
    """Starts programs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._one_at_a_time = asyncio.Lock()

    async def start(self, order: Order) -> Program:
        """Starts a program; it does not outlive the nursery."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._one_at_a_time:
            stdin.write(order.as_line().encode())
            await stdin.drain()
            answer = await stdout.readline()
        assert answer, "the nursery has ended"
        return Program(int(answer), order)


@asynccontextmanager
async def open_nursery() -> AsyncIterator[Nursery]:
    """A nursery until the block ends."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPSBELL_", "SLACK_", "PLAYGROUND_"))
    }
    process = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.crash.child"),
        cwd=REPOSITORY,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
