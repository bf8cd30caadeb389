"""Who may use which command, and how many others must approve."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config.base import Model, RoleName, wrong
from bot.config.words import one_of

COMMANDS = (
    "backup",
    "restore",
    "maintenance",
    "deploy",
    "checklist",
    "checks",
    "alerts",
    "oncall",
    "incident",
    "ticket",
    "runbook",
    "report",
    "opsbell",
)

ANYONE = "anyone"
"""The role that every person in the workspace holds."""

RUNBOOK = "runbook"
"""The command of the configured runbooks, each of which asks for a role of its own."""


def _command(value: str) -> str:
    if value not in COMMANDS:
        raise wrong(one_of(COMMANDS, value))
    return value


Command = Annotated[str, AfterValidator(_command)]


def runbook_rule(name: str) -> str:
    """What the access rule of one configured runbook is called."""
    return f"{RUNBOOK} {name}"


class AccessRule(Model):
    """What one command asks: a role, and approvals by others who hold the same role."""

    role: RoleName = "admin"
    approvals: Annotated[int, Field(ge=0, le=10)] = 0


DEFAULT_ACCESS: Mapping[str, AccessRule] = {
    "backup": AccessRule(role="operator"),
    "restore": AccessRule(role="admin", approvals=1),
    "maintenance": AccessRule(role="operator"),
    "deploy": AccessRule(role="operator"),
    "checklist": AccessRule(role=ANYONE),
    "checks": AccessRule(role=ANYONE),
    "alerts": AccessRule(role="operator"),
    "oncall": AccessRule(role="operator"),
    "incident": AccessRule(role=ANYONE),
    "ticket": AccessRule(role=ANYONE),
    "runbook": AccessRule(role="operator"),
    "report": AccessRule(role="operator"),
    "opsbell": AccessRule(role=ANYONE),
}


def access_rule(access: Mapping[str, AccessRule], command: str) -> AccessRule:
    """The rule of `command`: what is configured, over the default.

    A key left out keeps the command's default, so naming a role for /restore does not drop its
    approval. A command that nothing is known of is the admins' alone; what is called ANYONE asks
    for no role, since who does it decides by itself.
    """
    if command == ANYONE:
        return AccessRule(role=ANYONE)
    default = DEFAULT_ACCESS.get(command, AccessRule(role="admin"))
    configured = access.get(command)
    if configured is None:
        return default
    given = {name: getattr(configured, name) for name in configured.model_fields_set}
    return default.model_copy(update=given)
