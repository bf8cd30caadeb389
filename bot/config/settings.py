"""The whole configuration as one frozen value."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator

from bot.config.access import ANYONE, RUNBOOK, AccessRule, Command, access_rule, runbook_rule
from bot.config.backups import BackupPolicy
from bot.config.base import OWN, BackedUpName, LocalPath, Model, Name, wrong
from bot.config.checklists import Checklist, Holiday
from bot.config.checks import Check
from bot.config.http import Http
from bot.config.monitors import Alerts, Monitor
from bot.config.oncall import Contact, OnCall
from bot.config.runbooks import Runbook
from bot.config.secret import Secret
from bot.config.slack import Slack
from bot.config.targets import Target
from bot.config.values import Member, PostgresUrl, TimeZone


def _role(value: str) -> str:
    if value == ANYONE:
        raise wrong("another name: everyone holds the role anyone")
    return value


def _runbook(value: str) -> str:
    if value in ("list", "plan"):
        raise wrong(f"another name: /runbook {value} has a meaning of its own")
    return value


def _not_own(value: str) -> str:
    if value == OWN:
        raise wrong(f"another name: {OWN} is Opsbell itself")
    return value


def _database(value: Any) -> Any:
    return None if value == "embedded" else value


class Settings(Model):
    """opsbell.yaml, validated. `database` is None for the embedded PostgreSQL."""

    timezone: TimeZone = ZoneInfo("UTC")
    slack: Slack = Slack()
    database: Annotated[PostgresUrl | None, BeforeValidator(_database)] = None
    data: LocalPath = Path("var")
    http: Http = Http()
    roles: Mapping[Annotated[Name, AfterValidator(_role)], tuple[Member, ...]] = {}
    access: Mapping[Command, AccessRule] = {}
    targets: Mapping[Annotated[Name, AfterValidator(_not_own)], Target] = {}
    backups: Mapping[BackedUpName, BackupPolicy] = {}
    checks: Mapping[Name, Check] = {}
    checklists: Mapping[Name, Checklist] = {}
    holidays: tuple[Holiday, ...] = ()
    monitors: Mapping[Name, Monitor] = {}
    alerts: Alerts = Alerts()
    oncall: OnCall = OnCall()
    contacts: tuple[Contact, ...] = ()
    runbooks: Mapping[Annotated[Name, AfterValidator(_runbook)], Runbook] = {}

    def target(self, name: str) -> Target:
        """The target of that name; KeyError where there is none."""
        return self.targets[name]

    def only_target(self) -> str | None:
        """The one target's name, where there is exactly one beside Opsbell itself."""
        names = [name for name in self.targets if name != OWN] or list(self.targets)
        return names[0] if len(names) == 1 else None

    def target_of_channel(self, *channel: str) -> str | None:
        """The target that a channel, given by its ID and its name, is bound to."""
        bound = (name for name, t in self.targets.items() if {*t.channels} & {*channel})
        return next(bound, None)

    def rule(self, command: str) -> AccessRule:
        """Who may use a command, or a runbook by its rule's name (`runbook_rule`); admins alone
        where nothing is known of it. A runbook takes its own role and /runbook's approvals; one
        that restores takes no fewer than /restore."""
        name = command.removeprefix(runbook_rule(""))
        if name != command and (runbook := self.runbooks.get(name)):
            asked = [RUNBOOK, *("restore" for step in runbook.steps if step.restore)]
            approvals = max(self.rule(each).approvals for each in asked)
            return AccessRule(role=runbook.role, approvals=approvals)
        return access_rule(self.access, command)

    def secrets(self) -> Iterator[Secret]:
        """Every secret that the configuration holds, for the redactor."""
        return _secrets(self)


def _secrets(value: object) -> Iterator[Secret]:
    parts: Iterable[object] = ()
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        parts = (part for _, part in value)
    elif isinstance(value, Mapping):
        parts = value.values()
    elif isinstance(value, tuple):
        parts = value
    for part in parts:
        yield from _secrets(part)
