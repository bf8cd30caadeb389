"""What the steps of one deploy share, found anew from its operation, and their frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config import targets as configured
from bot.config.deploys import Deploy
from bot.deploys.repository import Repository
from bot.operations.model import Operation
from bot.operations.states import StepState
from bot.targets.model import Target

logger = logging.getLogger(__name__)

CHECK, KEEP, CHECKOUT = "deploy.check", "deploy.keep", "deploy.checkout"
INSTALL, BUILD, MANAGE = "deploy.install", "deploy.build", "deploy.manage"
MIGRATE, STATIC, SWITCH = "deploy.migrate", "deploy.static", "deploy.switch"
REVERSE, REVERSIBLE = "deploy.reverse", "deploy.reversible"
IMAGES = "deploy.images"
HEALTHY, WATCH = "deploy.healthy", "deploy.watch"

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """One deploy, or the way back from one. `data` is Opsbell's own directory for deploys."""

    operation: Operation
    target: Target
    settings: configured.ComposeTarget | configured.HostTarget
    data: Path

    @property
    def choices(self) -> Deploy:
        """How the target is deployed."""
        return self.settings.deploy

    @property
    def repository(self) -> Repository:
        """The repository in the target's directory."""
        return Repository(self.target, self.choices.remote)

    @property
    def start(self) -> str:
        """The commit that ran before."""
        return str(self.operation.plan.facts["from"])

    @property
    def branch(self) -> str:
        """The branch that was checked out before, "" for none."""
        return str(self.operation.plan.facts["branch"])

    @property
    def commit(self) -> str:
        """The commit to deploy."""
        return str(self.operation.plan.facts["commit"])

    @property
    def services(self) -> Sequence[str]:
        """The services that are restarted (on a host), or built and brought up."""
        if self.choices.services or isinstance(self.settings, configured.ComposeTarget):
            return self.choices.services
        return tuple(self.settings.services)

    def begun(self, kind: str) -> bool:
        """Whether a step of this kind has ever begun, whatever became of it."""
        untouched = (StepState.OPEN, StepState.LEFT_OUT)
        return any(
            step.planned.kind == kind and step.state not in untouched
            for step in self.operation.steps
        )

    def result(self, kind: str) -> Result:
        """What a step of this kind told, empty where it has not ended."""
        steps = [step for step in self.operation.steps if step.planned.kind == kind]
        return steps[0].result if steps else {}
