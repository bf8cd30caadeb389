"""Faults on demand: what a test asks Slack to do wrong, and for how many calls."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol


class Connections(Protocol):
    """What faults can do to the network."""

    async def go_away(self) -> None: ...

    async def come_back(self) -> None: ...

    async def drop_sockets(self) -> None: ...

    def deafen_sockets(self) -> None: ...


@dataclass
class Fault:
    """What happens to the next calls of the methods that match `method`.

    `kind` is rate_limited, server_error, error, slow, silent or lose_answer.
    """

    kind: str
    method: str
    left: int | None
    seconds: float = 0
    status: int = 200
    code: str = ""


class Faults:
    """The faults of one local Slack.

    `method` is a Web API method's name or a pattern such as `usergroups.*`, or one of the
    other things that an app calls, `response_url` and `upload`; `times` is how many calls it
    strikes, None for every call until `clear()`.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._faults: list[Fault] = []
        self._copies: list[int] = []
        self._delays: list[float] = []

    def rate_limit(
        self, method: str = "*", times: int | None = 1, *, retry_after: float = 1
    ) -> None:
        """Answer 429 with a Retry-After in seconds."""
        self._faults.append(Fault("rate_limited", method, times, seconds=retry_after, status=429))

    def server_error(self, method: str = "*", times: int | None = 1, *, status: int = 503) -> None:
        """Answer with a 5xx status and a body that is not JSON."""
        self._faults.append(Fault("server_error", method, times, status=status))

    def error(self, method: str, code: str, times: int | None = 1) -> None:
        """Refuse with this error code."""
        self._faults.append(Fault("error", method, times, code=code))

    def slow(self, method: str = "*", times: int | None = 1, *, seconds: float) -> None:
        """Take this long before doing what was asked."""
        self._faults.append(Fault("slow", method, times, seconds=seconds))

    def silent(self, method: str = "*", times: int | None = 1) -> None:
        """Accept the request, do nothing and never answer."""
        self._faults.append(Fault("silent", method, times))

    def lose_answer(self, method: str = "*", times: int | None = 1) -> None:
        """Do what was asked, then cut the connection before the answer."""
        self._faults.append(Fault("lose_answer", method, times))

    def forget_user_groups(self) -> None:
        """Let every usergroups.* call fail until `clear()`."""
        self.error("usergroups.*", "fatal_error", times=None)

    def duplicate(self, times: int = 1) -> None:
        """Deliver each of the next payloads twice."""
        self._copies += [2] * times

    def late(self, seconds: float, times: int = 1) -> None:
        """Deliver each of the next payloads only after this long."""
        self._delays += [seconds] * times

    async def drop_sockets(self) -> None:
        """Cut every Socket Mode connection without a goodbye."""
        await self._connections.drop_sockets()

    def deaf_sockets(self) -> None:
        """Let existing sockets answer pings and get no envelopes any more; new ones work."""
        self._connections.deafen_sockets()

    async def away(self) -> None:
        """Take all of Slack away: sockets dropped, connections refused."""
        await self._connections.go_away()

    async def back(self) -> None:
        """Bring Slack back on the same port."""
        await self._connections.come_back()

    def clear(self) -> None:
        """Forget every fault that is still waiting to strike."""
        self._faults.clear()
        self._copies.clear()
        self._delays.clear()

    def strike(self, method: str) -> Fault | None:
        """The fault for this call, which uses it up once."""
        for fault in self._faults:
            if fnmatchcase(method, fault.method):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def next_delivery(self) -> tuple[float, int]:
        """Delay in seconds and number of copies of the next payload."""
        delay = self._delays.pop(0) if self._delays else 0.0
        copies = self._copies.pop(0) if self._copies else 1
        return delay, copies
