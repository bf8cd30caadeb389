"""The images that a deploy replaces: kept under names of Opsbell's own, and put back."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from bot.config.targets import ComposeTarget
from bot.deploys.containers import containers, docker, image_id
from bot.deploys.deployment import Deployment
from bot.errors import Failed, OpsbellError
from bot.operations.model import StepContext
from bot.words import join

logger = logging.getLogger(__name__)

_OWN = "opsbell"
_TAG = re.compile(r"deploy-(\d+)")
_ODD = re.compile(r"[^a-z0-9]+")

Kept = Mapping[str, Mapping[str, Any]]
"""By service: `reference`, the name under which Compose finds its image, and `image`, its ID; the
`containers` that ran, by ID, and Compose's `hash` of their configuration."""


async def keep(deployment: Deployment, context: StepContext) -> Mapping[str, Kept]:
    """Gives what runs now a name that no build takes from it, and lets go of the oldest ones; what
    was kept is told as `images`.

    A service without a container runs nothing that could be kept.
    """
    target = deployment.target
    kept: dict[str, dict[str, Any]] = {}
    found = await containers(target, project(deployment), deployment.services)
    for each in sorted(found, key=lambda one: one.running):
        known = kept.get(each.service, {}).get("containers", [])
        kept[each.service] = {
            "reference": each.reference,
            "image": each.image,
            "hash": each.config_hash,
            "containers": [*known, each.id] if each.running else [],
        }
    for service, image in kept.items():
        await context.progress(f"keeping the image of {service}")
        await docker(target, "image", "tag", image["image"], name(deployment, service))
        await _forget(deployment, service)
    return {"images": kept}


async def put_back(deployment: Deployment, kept: Kept) -> None:
    """Makes the names that Compose looks for stand for the kept images again, and proves it."""
    target, lost = deployment.target, []
    for service, image in kept.items():
        reference = image["reference"]
        # A name with a digest, or an ID, stands for one image for ever.
        if "@" in reference or reference.startswith("sha256:"):
            continue
        if await image_id(target, reference) == image["image"]:
            continue
        if await image_id(target, image["image"]) is None:
            lost.append(service)
            continue
        await docker(target, "image", "tag", image["image"], reference)
        if await image_id(target, reference) != image["image"]:
            raise Failed(f"{reference} is not the previous image again.")
    if lost:
        raise Failed(
            f"The previous image of {join(lost)} is gone from Docker.",
            hint="Build the previous revision anew: docker compose build.",
        )


def name(deployment: Deployment, service: str) -> str:
    """The name of what ran before this deploy."""
    return f"{_repository(deployment, service)}:deploy-{deployment.operation.id}"


def project(deployment: Deployment) -> str:
    """The Compose project. Raises TypeError for a target that Compose does not run."""
    if not isinstance(deployment.settings, ComposeTarget):
        raise TypeError("a Compose target alone has a project")
    return deployment.settings.compose.project


def reference_of(deployment: Deployment, service: str, settings: Mapping[str, Any]) -> str:
    """The name under which Compose finds the image of a service, from its configuration."""
    return str(settings.get("image") or f"{project(deployment)}-{service}")


def _repository(deployment: Deployment, service: str) -> str:
    """As Docker has names: small letters and digits with single separators between."""
    plain = _ODD.sub("-", f"{project(deployment)}-{service}".lower()).strip("-")
    return f"{_OWN}/{plain}"


async def _forget(deployment: Deployment, service: str) -> None:
    """Takes the names from all but the newest; what has no other name and runs nowhere is gone.

    What Docker holds on to stays, which costs disk and nothing else: a container that somebody has
    left of it, stopped, is enough.
    """
    repository = _repository(deployment, service)
    said = await docker(deployment.target, "image", "ls", "--format", "{{.Tag}}", repository)
    numbers = sorted(int(found[1]) for tag in said.split() if (found := _TAG.fullmatch(tag)))
    for number in numbers[: -deployment.choices.keep]:
        old = f"{repository}:deploy-{number}"
        try:
            await docker(deployment.target, "image", "rm", old)
        except OpsbellError as error:
            logger.warning("image not forgotten", extra={"image": old, "error": str(error)})
