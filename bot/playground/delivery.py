"""Bringing payloads to the app: who waits for the ack, what is retried, what goes astray."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.playground.errors import JSON
from bot.playground.faults import Faults
from bot.playground.remembered import Remembered


@dataclass(frozen=True)
class Answer:
    """What came back for one payload: `body` is the ack's payload, a JSON object or plain text."""

    acked: bool
    body: Any = None
    error: str | None = None
    no_retry: bool = False


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver one payload, for tests to look at. `at` is monotonic seconds."""

    kind: str
    payload: JSON
    attempt: int
    at: float
    seconds: float
    acked: bool
    error: str | None


class Transport(Protocol):
    """The way to the app: Socket Mode or signed HTTP requests."""

    async def send(self, kind: str, payload: JSON, attempt: int, reason: str) -> Answer:
        """Deliver once and wait for the ack, at most as long as Slack waits."""


class Dispatcher:
    """Delivers payloads over a transport. Events are retried; commands and clicks are not.

    `deliveries` are the last `remembered` ones, or all of them.
    """

    def __init__(
        self,
        transport: Transport,
        faults: Faults,
        ack_timeout: float,
        retry_delays: Sequence[float],
        *,
        remembered: int | None = None,
    ) -> None:
        self.deliveries: list[Delivery] = Remembered(remembered)
        self._transport = transport
        self._faults = faults
        self._ack_timeout = ack_timeout
        self._retry_delays = tuple(retry_delays)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def request(self, kind: str, payload: JSON) -> Answer:
        """Deliver a command or an interaction once and give its answer.

        A payload that is delayed beyond the ack's time is answered for with
        `operation_timeout` and still arrives later.
        """
        delay, copies = self._faults.next_delivery()
        for _ in range(copies - 1):
            self.spawn(self._send(kind, payload, 0, "", delay))
        if not delay:
            return await self._send(kind, payload, 0, "")
        task = self.spawn(self._send(kind, payload, 0, "", delay))
        done, _ = await asyncio.wait({task}, timeout=self._ack_timeout)
        return task.result() if done else Answer(acked=False, error="operation_timeout")

    def publish(self, payload: JSON) -> None:
        """Deliver an event in the background, again after each of the retry delays if un-acked."""
        delay, copies = self._faults.next_delivery()
        for _ in range(copies):
            self.spawn(self._persist(payload, delay))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run background work that ends with the server."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop all background work, pending retries included."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _persist(self, payload: JSON, delay: float) -> None:
        answer = await self._send("events_api", payload, 0, "", delay)
        for attempt, pause in enumerate(self._retry_delays, start=1):
            if answer.acked or answer.no_retry:
                return
            await asyncio.sleep(pause)
            answer = await self._send("events_api", payload, attempt, answer.error or "")

    async def _send(
        self, kind: str, payload: JSON, attempt: int, reason: str, delay: float = 0
    ) -> Answer:
        await asyncio.sleep(delay)
        started = time.monotonic()
        answer = await self._transport.send(kind, payload, attempt, reason)
        took = time.monotonic() - started
        self.deliveries.append(
            Delivery(kind, payload, attempt, started, took, answer.acked, answer.error)
        )
        return answer
