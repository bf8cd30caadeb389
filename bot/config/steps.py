"""The steps of runbooks: what each kind takes, and what all have in common.

Commands are argument lists; no shell reads them. ``{name}`` in a text stands for the runbook's
parameter of that name, ``{{`` and ``}}`` for the braces themselves.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.config.base import InnerPath, Model, Name, RoleName, wrong
from bot.config.document import Path
from bot.config.values import Arguments, Period, Text, WebUrl

_INTERPRETER = re.compile(
    r"(?:ba|da|a|k|z|fi)?sh|busybox|python[\d.]*|perl|ruby|node|php|psql|mysql|mariadb|su|manage\.py"
)
_PROGRAM_TEXT = re.compile(r"-[A-Za-z]*[ce]|--(?:command|eval|execute|session-command)")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_-]+)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The names of the parameters that `text` asks for, in order."""
    return tuple(match[1] for match in _PLACEHOLDER.finditer(text) if match[1])


def _no_shell_text(command: tuple[str, ...]) -> tuple[str, ...]:
    """A parameter in place of a program, or inside the text of one, would be what runs."""
    if placeholders(command[0]) or command[0].startswith("-"):
        raise wrong("a program, then its arguments; parameters stand in the arguments alone")
    interpreted = False
    for before, word in zip(("", *command), command, strict=False):
        if interpreted and _PROGRAM_TEXT.fullmatch(before) and placeholders(word):
            raise wrong("a parameter as an argument of its own, not inside a program's text")
        name = PurePosixPath(word).name
        if name == "ssh" and any(map(placeholders, command)):
            raise wrong("no parameter for ssh: a shell at the other end would read it")
        interpreted = interpreted or bool(_INTERPRETER.fullmatch(name))
    return command


Command = Annotated[Arguments, AfterValidator(_no_shell_text)]


class Run(Model):
    """A command inside a service's container (on a host target: in the target's directory)."""

    service: Text
    command: Command


class HttpWait(Model):
    """Asks `url` until it answers as expected, for at most `within`."""

    url: WebUrl
    expect: Annotated[int, Field(ge=100, le=599)] = 200
    contains: Text | None = None
    within: Period = timedelta(seconds=60)


class WaitHealthy(Model):
    """Waits until the services (all of the target's, when none is named) are healthy."""

    services: tuple[Text, ...] = ()
    within: Period = timedelta(minutes=2)


class ComposeAction(Model):
    """One of Compose's own commands, for all services or the named ones."""

    action: Literal["build", "pull", "up", "restart"]
    services: tuple[Text, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_action(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value


class GitCheckout(Model):
    """Fetches from `remote` and checks out `ref` in the target's directory."""

    ref: Text
    remote: Text = "origin"


class BackupStep(Model):
    """A backup of the target; without `include`, of what its backups include."""

    include: tuple[Text, ...] = ()


class RestoreStep(Model):
    """A restore of one backup set of the target, whole or in part."""

    id: Text = "latest"
    include: tuple[Text, ...] = ()


class Approval(Model):
    """Waits until `count` people of the role, other than the requester, have approved."""

    role: RoleName
    count: Annotated[int, Field(ge=1, le=10)] = 1
    text: Text | None = None


class Condition(Model):
    """A simple fact: parameters that have these values, or a file that exists on the target."""

    param: Mapping[Name, Text] | None = None
    file: InnerPath | None = None

    @model_validator(mode="after")
    def _one_fact(self) -> "Condition":
        if (self.param is None) == (self.file is None):
            raise wrong("either param or file")
        return self


class Step(Model):
    """One step: exactly one kind, and what is said about it.

    `timeout` ends it, `retries` repeats it after a failure (for steps that may run twice), `undo`
    is what takes it back, `always` runs it also after a failure, `if_` and `unless` leave it out.
    A backup and a restore become several steps, which have titles and limits of their own.
    """

    run: Run | None = None
    host: Command | None = None
    sql: Text | None = None
    http: HttpWait | None = None
    wait_healthy: WaitHealthy | None = None
    compose: ComposeAction | None = None
    git: GitCheckout | None = None
    backup: BackupStep | None = None
    restore: RestoreStep | None = None
    maintenance: Literal["on", "off"] | None = None
    approval: Approval | None = None
    note: Text | None = None

    title: Text | None = None
    timeout: Period = timedelta(minutes=30)
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    undo: tuple["Step", ...] = ()
    always: bool = False
    if_: Condition | None = Field(None, alias="if")
    unless: Condition | None = None

    @property
    def kind(self) -> str:
        """Which kind of step it is: the name of the one kind that is set."""
        return next(kind for kind in STEP_KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> "Step":
        if sum(getattr(self, kind) is not None for kind in STEP_KINDS) != 1:
            raise wrong(f"a step of exactly one kind: {', '.join(STEP_KINDS)}")
        if self.retries and self.kind in _NOT_REPEATABLE:
            raise wrong(f"no retries on a step that must not run twice ({self.kind})")
        if self.kind in _SEVERAL and (given := self.model_fields_set & _OF_ONE):
            named = ", ".join(sorted(given))
            raise wrong(f"no {named} on {self.kind}, which becomes steps that have their own")
        if self.undo and self.kind in _OWN_UNDO:
            raise wrong(f"no undo on {self.kind}, which has its own")
        for step in self.undo:
            if step.undo or step.kind in _NO_UNDO:
                raise wrong(f"under undo, steps of other kinds than {', '.join(_NO_UNDO)}")
        return self

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text in which a parameter may stand, each with its place inside the step."""
        if self.run:
            yield from ((("run", "command", i), text) for i, text in enumerate(self.run.command))
        yield from ((("host", i), text) for i, text in enumerate(self.host or ()))
        single: dict[Path, str | None] = {
            ("sql",): self.sql,
            ("git", "ref"): self.git.ref if self.git else None,
            ("restore", "id"): self.restore.id if self.restore else None,
            ("approval", "text"): self.approval.text if self.approval else None,
            ("note",): self.note,
        }
        yield from ((place, text) for place, text in single.items() if text)
        for i, step in enumerate(self.undo):
            yield from ((("undo", i, *place), text) for place, text in step.texts())


_COMMON = {"title", "timeout", "retries", "undo", "always", "if_", "unless"}
_OF_ONE = {"title", "timeout", "retries"}
_SEVERAL = ("backup", "restore")
_NOT_REPEATABLE = ("restore", "approval", "note")
_OWN_UNDO = ("backup", "restore", "maintenance")
_NO_UNDO = ("backup", "restore", "approval")
STEP_KINDS: tuple[str, ...] = tuple(name for name in Step.model_fields if name not in _COMMON)
