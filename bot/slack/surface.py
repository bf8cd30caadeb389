"""What people can type, click and fill in, registered in one place.

A request that changes something is committed to the durable queue before it is acknowledged and
handled in one transaction, exactly once in effect; its reply follows the commit. A request that
only looks is acknowledged at once and answered by a tracked task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from bot.slack.message import Message, Upload
from bot.store.database import Transaction

T = TypeVar("T")


class Kind(StrEnum):
    """How a request came."""

    COMMAND = "command"  # /backup now
    MENTION = "mention"  # @opsbell backup now
    CLICK = "click"  # any control in a message, modal or App Home
    FORM = "form"  # a modal that was submitted
    HOME = "home"  # App Home was opened


@dataclass(frozen=True)
class Request:
    """One thing a person asked for, the same whichever way it came. JSON in the queue.

    `name` is the command without slash or prefix, the control's action_id up to its first ":",
    or the modal's callback_id up to its first ":". `text` is what followed: the command's words,
    or what stands behind that ":". `value` is the clicked control's value, or the chosen option's.
    `chosen` are the values ticked, for checkboxes. `fields` are a modal's inputs, block_id → value.
    `key` is unique per request and the same when Slack delivers it twice; `twin` is the same for
    two clicks of one person on one button. `channel_name` is empty where Slack does not say it.
    """

    kind: Kind
    key: str
    name: str
    user: str
    channel: str = ""
    channel_name: str = ""
    thread: str = ""
    message: str = ""
    text: str = ""
    value: str = ""
    chosen: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    metadata: str = ""
    view_id: str = ""
    trigger_id: str = ""
    response_url: str = ""
    twin: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form in which the queue keeps it."""
        return asdict(self) | {"chosen": list(self.chosen)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Request:
        """The reverse of `as_json`."""
        return cls(
            **(dict(value) | {"kind": Kind(value["kind"]), "chosen": tuple(value["chosen"])})
        )

    @property
    def actor(self) -> str:
        """Who asked, as the log of events names them: `slack:U…`, or `os:NAME` at the terminal."""
        return self.user if ":" in self.user else f"slack:{self.user}"


class Modals(Protocol):
    """Opens and fills modals. The first call must come within a trigger's three seconds."""

    async def open(self, request: Request, view: Mapping[str, Any]) -> str:
        """Shows a modal (pushed on top where the request came from one); its view id."""
        ...

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replaces the contents of an open modal; one that was closed meanwhile is no error."""
        ...


@dataclass(frozen=True)
class Answer:
    """What the person sees in return: only they, unless `public`. None of it: no answer.

    `data` is the same for a script, as JSON values; an `operation` in it is followed by the
    terminal until it has ended.
    """

    message: Message
    public: bool = False
    uploads: tuple[Upload, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


# A query looks and answers. A change does all it does in the transaction it is given.
Query = Callable[[Request, Modals], Awaitable[Answer | None]]
Change = Callable[[Request, Transaction], Awaitable[Answer | None]]
Validate = Callable[[Request], Mapping[str, str]]


@dataclass(frozen=True)
class Call:
    """What a text was understood to mean: `access` names the rule in the configuration.

    A query that opens a modal says its title in `window`.
    """

    access: str
    query: Query | None = None
    change: Change | None = None
    window: str = ""


@dataclass(frozen=True)
class Usage:
    """One line of help: `/backup now [PARTS]`, "Take a backup"."""

    form: str
    summary: str
    example: str = ""


@dataclass(frozen=True)
class Command:
    """A slash command. `parse` is pure and quick; it raises UsageError for what makes no sense.

    `words` are the first words it knows, for the nearest match to a typo.
    """

    name: str
    summary: str
    usages: tuple[Usage, ...]
    parse: Callable[[Request], Call]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """A button, checkbox or menu, found by its action_id up to the first ":"."""

    name: str
    call: Call


@dataclass(frozen=True)
class Form:
    """A modal's submission. `validate` is pure and quick: block_id → what is wrong with it."""

    name: str
    call: Call
    validate: Validate = lambda request: {}


class Surface:
    """Everything registered. Names are unique: a second one is a defect and raises ValueError."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}
        self.controls: dict[str, Control] = {}
        self.forms: dict[str, Form] = {}

    def add(self, *parts: Command | Control | Form) -> None:
        """Registers commands, controls and forms."""
        for part in parts:
            match part:
                case Command():
                    _add(self.commands, part.name, part)
                case Control():
                    _add(self.controls, part.name, part)
                case Form():
                    _add(self.forms, part.name, part)

    def call(self, request: Request) -> Call:
        """What a request asks for.

        Raises UsageError for a command's words that make no sense, LookupError for a command,
        control or form that is not registered.
        """
        match request.kind:
            case Kind.COMMAND | Kind.MENTION:
                return self.commands[request.name].parse(request)
            case Kind.CLICK:
                return self.controls[request.name].call
            case Kind.FORM:
                return self.forms[request.name].call
            case Kind.HOME:
                raise LookupError("App Home is shown, not called")

    def wrong(self, request: Request) -> Mapping[str, str]:
        """What is wrong with a submitted form: block_id → why; empty if nothing is."""
        return self.forms[request.name].validate(request)


def _add(table: dict[str, T], name: str, part: T) -> None:
    if name in table:
        raise ValueError(f"{name} is registered twice")
    table[name] = part
