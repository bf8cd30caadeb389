"""What Prometheus may know of Opsbell itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, Info, generate_latest

from bot.slack.gateway import GatewayStatus
from bot.store.queue import Backlog, Lane


class Metrics:
    """Gauges that are read when they are asked for."""

    def __init__(
        self,
        gateway: Callable[[], GatewayStatus],
        backlog: Callable[[], Awaitable[Mapping[Lane, Backlog]]],
    ) -> None:
        self._gateway = gateway
        self._backlog = backlog
        self._registry = CollectorRegistry()
        Info("opsbell", "This program", registry=self._registry).info(
            {"version": version("opsbell")}
        )
        self._sockets = Gauge(
            "opsbell_slack_sockets", "Socket Mode connections that are up", registry=self._registry
        )
        self._ready = Gauge(
            "opsbell_slack_ready", "1 while Slack can reach Opsbell", registry=self._registry
        )
        self._jobs = Gauge(
            "opsbell_jobs", "Jobs in the queue", ["lane", "state"], registry=self._registry
        )

    async def render(self) -> bytes:
        """The metrics as they stand now, in Prometheus' text format."""
        status = self._gateway()
        self._sockets.set(status.sockets)
        self._ready.set(status.ready)
        for lane, backlog in (await self._backlog()).items():
            self._jobs.labels(lane.value, "waiting").set(backlog.waiting)
            self._jobs.labels(lane.value, "running").set(backlog.running)
            self._jobs.labels(lane.value, "failed").set(backlog.failed)
        return generate_latest(self._registry)
