"""How the containers of services are, as Docker sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class HealthState(StrEnum):
    """`running` is a container without a health check, `finished` one whose work was done."""

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


def health_of(service: str, details: Mapping[str, Any]) -> ContainerHealth:
    """The health of a container from what the Engine says of it."""
    state = details["State"]
    begun = f"{details['Id'][:12]} {state.get('StartedAt', '')} {details.get('RestartCount', 0)}"
    if state["Status"] != "running" or state.get("Restarting"):
        return ContainerHealth(service, _ended(details), begun, _how_it_ended(state))
    health = state.get("Health")
    if not health or health.get("Status") == "none":
        return ContainerHealth(service, HealthState.RUNNING, begun)
    log = health.get("Log") or []
    detail = str(log[-1].get("Output", "")).strip() if log else ""
    return ContainerHealth(service, HealthState(health["Status"]), begun, detail)


def _ended(details: Mapping[str, Any]) -> HealthState:
    """A container that ended well and is not to run again has done its work."""
    state = details["State"]
    policy = (details.get("HostConfig") or {}).get("RestartPolicy") or {}
    again = policy.get("Name") in ("always", "unless-stopped")
    done = state["Status"] == "exited" and state.get("ExitCode") == 0 and not again
    return HealthState.FINISHED if done else HealthState.STOPPED


def _how_it_ended(state: Mapping[str, Any]) -> str:
    if state["Status"] in ("exited", "dead", "restarting"):
        memory = ", out of memory" if state.get("OOMKilled") else ""
        return f"{state['Status']}, exit status {state.get('ExitCode')}{memory}"
    return str(state["Status"])
