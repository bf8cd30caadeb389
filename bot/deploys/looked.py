"""What planning a deploy finds out: what a ref means, what comes, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.targets import ComposeTarget, HostTarget
from bot.deploys import compose
from bot.deploys.counting import Migrated, Pending
from bot.deploys.looking import (
    require_clean,
    require_no_collision,
    require_no_submodule,
    require_room,
    ways_apart,
)
from bot.deploys.migrations import pending
from bot.deploys.model import Difference, checked_ref, short
from bot.deploys.repository import Repository
from bot.errors import Refused
from bot.runbooks.git import Head
from bot.targets.model import Target

Settings = ComposeTarget | HostTarget


@dataclass(frozen=True)
class Looked:
    """What planning has found. `closed` keeps visitors out even where no migration is pending."""

    target: Target
    settings: Settings
    ref: str
    commit: str
    head: Head
    difference: Difference
    pending: Pending
    has_manage: bool
    has_requirements: bool
    closed: bool = False

    @property
    def rolling(self) -> bool:
        """Whether new containers start beside the old ones."""
        return isinstance(self.settings, ComposeTarget) and not self.maintenance

    @property
    def maintenance(self) -> bool:
        """Whether visitors are kept out: always, or only for what goes on with the database."""
        wanted = not self.settings.deploy.zero_downtime or self.closed
        return wanted or bool(self.pending.paths)


async def look(
    target: Target, settings: Settings, parameters: Mapping[str, Any], migrated: Migrated
) -> Looked:
    """Finds out what a deploy would do, after those that have `migrated`. Fetches objects, and
    changes nothing else.

    Raises UsageError, NotFound, Refused, Failed and Unavailable for all that stands in its way.
    """
    choices = settings.deploy
    ref = checked_ref(parameters.get("ref") or choices.ref)
    repository = Repository(target, choices.remote)
    head = await repository.head()
    await require_clean(repository)
    await repository.fetch()
    commit = parameters.get("commit") or await repository.resolve(ref)
    if not await repository.holds(ref, commit):
        raise Refused(
            f"{ref} no longer names commit {short(commit)}, nor one that builds upon it.",
            hint="Ask for a new plan.",
        )
    difference = await repository.between(head.commit, commit)
    apart = ways_apart(head.commit, ref, difference)
    if apart and not parameters.get("force"):
        raise Refused(f"Nothing was changed: {apart}", hint=_way_on(ref, difference))
    require_no_submodule(difference)
    await require_no_collision(repository, difference)
    await require_room(repository, commit)
    looked = Looked(
        target,
        settings,
        ref,
        commit,
        head,
        difference,
        await pending(target, repository, head.commit, commit, difference, migrated),
        await _has_manage(repository, settings, commit),
        await repository.has_file(commit, str(choices.requirements)),
    )
    if isinstance(settings, ComposeTarget) and looked.rolling:
        await _require_rolling(target, settings)
    return looked


async def _require_rolling(target: Target, settings: ComposeTarget) -> None:
    """Raises Refused where a second container cannot run beside the first."""
    if trouble := await compose.why_not_rolling(target, settings):
        raise Refused(
            f"Nothing was changed: no release without downtime: {trouble}",
            hint=f"Set targets.{target.name}.deploy.zero_downtime to false, or change that.",
        )


async def _has_manage(repository: Repository, settings: Settings, commit: str) -> bool:
    """Whether a host has the program that runs Django's commands. An image is not looked into."""
    scripts = [word for word in settings.deploy.manage if word.endswith(".py")]
    if isinstance(settings, ComposeTarget) or not scripts:
        return True
    return await repository.has_file(commit, scripts[0])


def _way_on(ref: str, difference: Difference) -> str:
    if not difference.total:
        return f"/deploy rollback goes back; /deploy {ref} --force deploys it all the same."
    return f"Bring the two together, or deploy it all the same with /deploy {ref} --force."
