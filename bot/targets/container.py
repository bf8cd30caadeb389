"""A running container: starting execs in it, and ending all that one of them started."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docker.api.client import APIClient

from bot.errors import NotFound, OpsbellError, Unavailable
from bot.targets.container_scripts import SIGNAL
from bot.targets.engine import Engine
from bot.targets.frames import STDOUT, Frames
from bot.targets.session import GRACE
from bot.targets.streams import Stream

_LOOK_EVERY = 0.1
# Long, since what comes after it may make a PostgreSQL in the container restart: a machine that is
# too busy to let dead processes be seen by their parents is given time.
_KILL_LIMIT = 15.0
_ANSWER_LIMIT = 10.0


@dataclass(frozen=True)
class Container:
    """A container by its ID, and the service that it is."""

    engine: Engine
    id: str
    service: str

    async def open_exec(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ) -> tuple[str, Stream]:
        """Starts a command; its exec's ID, and its input and output, which the caller closes."""
        created = await self.engine.call(
            APIClient.exec_create,
            self.id,
            list(command),
            stdin=stdin,
            environment=dict(environment or {}),
        )
        exec_id = str(created["Id"])
        return exec_id, await self.engine.exec_stream(exec_id, stdin=stdin)

    async def still_runs(self) -> bool:
        """Whether the container runs. The Engine may learn of its end a moment after we do, so a
        container that seems to run is looked at again for five seconds."""
        for wait in (0.0, 0.1, 0.3, 0.6, 1.0, 3.0):
            await asyncio.sleep(wait)
            try:
                found = await self.engine.call(APIClient.inspect_container, self.id)
            except NotFound:
                return False
            if not found["State"]["Running"]:
                return False
        return True

    async def end_session(self, session: int, program: str) -> None:
        """Asks every process of a session to end, kills what is left after 5 s, and looks until
        none is there. Raises Unavailable where one outlives even that."""
        # What starts new processes for those that were killed has to be killed with them.
        for signal, whom, limit in (
            ("TERM", "leaves", GRACE),
            ("KILL", "leaves", _KILL_LIMIT),
            ("KILL", "all", GRACE),
        ):
            if await self._gone_after(session, signal, whom, limit):
                return
        raise Unavailable(
            f"{program} (process {session} in the service {self.service}) could not be ended.",
            hint=f"Restarting the service {self.service} ends it.",
        )

    async def _gone_after(self, session: int, signal: str, whom: str, limit: float) -> bool:
        clock = asyncio.get_running_loop().time
        left = await self._signal(session, signal, whom)
        # Counted from here: on a busy machine the signal itself may take seconds to send.
        deadline = clock() + limit
        while left and clock() < deadline:
            await asyncio.sleep(_LOOK_EVERY)
            left = await self._signal(session, signal, whom)
        return left == 0

    async def _signal(self, session: int, signal: str, whom: str) -> int:
        """Signals processes of a session; returns how many there were in it."""
        command = ("sh", "-c", SIGNAL, "sh", signal, str(session), whom)
        try:
            _, stream = await self.open_exec(command)
        except OpsbellError:
            if await self.still_runs():
                raise
            return 0  # what runs in a container ends with it
        return await _number(stream)


async def _number(stream: Stream) -> int:
    """The number that a script writes as the one line of its output."""
    output = b""
    frames = Frames()
    try:
        async with asyncio.timeout(_ANSWER_LIMIT):
            while not output.endswith(b"\n") and (data := await stream.read()):
                for kind, content in frames.feed(data):
                    output += content if kind == STDOUT else b""
        return int(output)
    except (TimeoutError, ValueError):
        raise Unavailable("The container does not answer.") from None
    finally:
        stream.close()
