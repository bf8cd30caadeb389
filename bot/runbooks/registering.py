"""The kinds of steps by name, as they are registered with the engine."""

from __future__ import annotations

from bot.config.settings import Settings
from bot.operations.model import StepKind
from bot.runbooks.kinds_command import Compose, Run
from bot.runbooks.kinds_git import Git
from bot.runbooks.kinds_people import Approval, Ask, Note, StepApprovals, Tell
from bot.runbooks.kinds_sql import Sql
from bot.runbooks.kinds_wait import Http, WaitHealthy
from bot.targets.targets import Targets


def kinds_of(
    settings: Settings, targets: Targets, *, approvals: StepApprovals, ask: Ask, tell: Tell
) -> dict[str, StepKind]:
    """All kinds of this package. What takes a step back may be of any kind in the result, also of
    one that is added to it."""
    kinds: dict[str, StepKind] = {}
    kinds |= {
        "run": Run(targets, kinds),
        "host": Run(targets, kinds),
        "compose": Compose(targets, kinds),
        "sql": Sql(targets, kinds),
        "http": Http(targets, kinds),
        "wait_healthy": WaitHealthy(settings, targets, kinds),
        "git": Git(targets, kinds),
        "approval": Approval(approvals, ask, kinds),
        "note": Note(tell, kinds),
    }
    return kinds
