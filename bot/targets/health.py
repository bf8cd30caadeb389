"""How the containers of services are, as Docker sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.targets.labels import DEPENDS_ON


class HealthState(StrEnum):
    """`running` is a container without a health check, `finished` one whose work was done and
    that other services wait for to end."""

    HEALTHY = "healthy"
    RUNNING = "running"
    FINISHED = "finished"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"
    MISSING = "missing"


@dataclass(frozen=True)
class ContainerHealth:
    """One container of a service. `begun` tells one start of it from another; `detail` is what its
    health check said last, or how it ended (not redacted)."""

    service: str
    state: HealthState
    begun: str = ""
    detail: str = ""


def missing(service: str) -> ContainerHealth:
    """A service that has no container."""
    return ContainerHealth(service, HealthState.MISSING, detail="it has no container")


def ending_services(labels: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """The services that do their work and end, as Compose's labels on those which wait for that
    say: the one way in which a Compose file tells such a service from one that is down."""
    entries = (entry.split(":") for each in labels for entry in each.get(DEPENDS_ON, "").split(","))
    return frozenset(
        entry[0] for entry in entries if entry[1:2] == ["service_completed_successfully"]
    )


def health_of(service: str, details: Mapping[str, Any], *, ends: bool = False) -> ContainerHealth:
    """The health of a container from what the Engine says of it; `ends` for one of a service that
    does its work and ends."""
    state = details["State"]
    begun = f"{details['Id'][:12]} {state.get('StartedAt', '')} {details.get('RestartCount', 0)}"
    if state["Status"] != "running" or state.get("Restarting"):
        done = ends and state["Status"] == "exited" and state.get("ExitCode") == 0
        kind = HealthState.FINISHED if done else HealthState.STOPPED
        return ContainerHealth(service, kind, begun, _how_it_ended(state))
    health = state.get("Health")
    if not health or health.get("Status") == "none":
        return ContainerHealth(service, HealthState.RUNNING, begun)
    log = health.get("Log") or []
    detail = str(log[-1].get("Output", "")).strip() if log else ""
    return ContainerHealth(service, HealthState(health["Status"]), begun, detail)


def _how_it_ended(state: Mapping[str, Any]) -> str:
    if state["Status"] in ("exited", "dead", "restarting"):
        memory = ", out of memory" if state.get("OOMKilled") else ""
        return f"{state['Status']}, exit status {state.get('ExitCode')}{memory}"
    return str(state["Status"])
