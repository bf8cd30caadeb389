"""Runbooks in the configuration: parameters, where they may stand, who may run them."""

import pytest
from pydantic import ValidationError

from bot.config import Settings
from bot.config.access import AccessRule
from bot.config.runbooks import Param
from bot.config.steps import Step, placeholders
from tests.config.conftest import Problems


@pytest.mark.parametrize(
    ("param", "given"),
    [
        ({"type": "choice", "choices": ["a", "b"]}, "b"),
        ({"type": "integer"}, "-12"),
        ({"type": "boolean"}, "true"),
        ({"type": "text"}, "a b; $(c)"),
        ({"type": "text", "pattern": "-[a-z]"}, "-v"),
    ],
)
def test_parameters_accept(param: dict[str, object], given: str) -> None:
    assert Param.model_validate(param).accept(given) == given


@pytest.mark.parametrize(
    ("param", "given", "expected"),
    [
        ({"type": "choice", "choices": ["a", "b"]}, "c", "one of: a, b"),
        ({"type": "integer"}, "1e3", "a whole number"),
        ({"type": "integer"}, "٣", "a whole number"),
        ({"type": "boolean"}, "yes", "true or false"),
        ({"type": "text"}, "--force", "a text that does not begin with a dash"),
        ({"type": "text", "pattern": "[a-z]+"}, "abc\n", "a text that matches"),
        ({"type": "text", "pattern": "(a+)+b"}, "a" * 501, "at most 500 characters"),
        ({"type": "text"}, "two\nlines", "a single line without control characters"),
        ({"type": "text"}, "zero\0byte", "a single line without control characters"),
    ],
)
def test_parameters_refuse(param: dict[str, object], given: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Param.model_validate(param).accept(given)


@pytest.mark.parametrize(
    "param",
    [{"type": "choice"}, {"choices": ["a"]}, {"type": "integer", "pattern": "1"}],
)
def test_parameters_that_contradict_themselves(param: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Param.model_validate(param)


def test_placeholders() -> None:
    assert placeholders("{a} {{b}} {c-1} {{{d}}} {e f} {}") == ("a", "c-1", "d")


def test_parameters_are_looked_for_in_undo_and_conditions(problems: Problems) -> None:
    text = """\
runbooks:
  r:
    title: R
    params: {x: {}}
    steps:
      - run: {service: web, command: [echo, "{a}"]}
        undo:
          - host: [b, "{b}"]
        if: {param: {c: "1"}}
"""
    places = [line.split(": ")[1] for line in problems(text).splitlines()]
    assert places == [
        "runbooks.r.steps[0].run.command[1]",
        "runbooks.r.steps[0].undo[0].host[1]",
        "runbooks.r.steps[0].if.param.c",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "echo {x}"],
        ["/bin/bash", "-ec", "{x}"],
        ["sudo", "-n", "sh", "-lc", "rm {x}"],
        ["python3.11", "-c", "print('{x}')"],
        ["python", "manage.py", "shell", "-c", "print({x})"],
        ["env", "A=1", "perl", "-e", "{x}"],
        ["psql", "--command", "select {x}"],
        ["su", "postgres", "-c", "psql {x}"],
        ["ssh", "host", "ls", "{x}"],
        ["{x}", "a"],
        ["./scripts/{x}.sh"],
        ["-c", "{x}"],
    ],
)
@pytest.mark.parametrize("kind", ["host", "run", "undo"])
def test_no_parameter_stands_in_the_text_of_a_program(command: list[str], kind: str) -> None:
    given: dict[str, object] = {"host": command}
    if kind == "run":
        given = {"run": {"service": "web", "command": command}}
    if kind == "undo":
        given = {"note": "x", "undo": [{"host": command}]}
    with pytest.raises(
        ValidationError, match=r"no parameter for ssh|an argument of its own|a program, then"
    ):
        Step.model_validate(given)


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'echo "$1"', "sh", "{x}"],
        ["grep", "-e", "{x}", "file"],
        ["python", "manage.py", "createsuperuser", "--email", "{x}"],
        ["sh", "-c", "echo {{x}}"],
    ],
)
def test_a_parameter_as_an_argument_of_its_own_is_fine(command: list[str]) -> None:
    assert Step.model_validate({"host": command}).host == tuple(command)


@pytest.mark.parametrize(
    "step",
    [
        {"backup": {}, "undo": [{"note": "x"}]},
        {"note": "x", "undo": [{"restore": {}}]},
        {"note": "x", "undo": [{"note": "y", "undo": [{"note": "z"}]}]},
    ],
)
def test_what_cannot_take_a_step_back(step: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"no undo on backup|steps of other kinds"):
        Step.model_validate(step)


def test_a_runbook_takes_its_own_role_and_the_commands_approvals() -> None:
    settings = Settings.model_validate(
        {
            "access": {"runbook": {"approvals": 2}},
            "runbooks": {
                "tidy": {"title": "T", "role": "anyone", "steps": [{"note": "x"}]},
                "back": {"title": "B", "role": "operator", "steps": [{"restore": {}}]},
            },
        }
    )
    assert settings.rule("runbook tidy") == AccessRule(role="anyone", approvals=2)
    assert settings.rule("runbook") == AccessRule(role="operator", approvals=2)
    assert settings.rule("runbook nothing") == AccessRule(role="admin")
    assert settings.rule("runbook back").approvals == 2
    careful = settings.model_copy(update={"access": {"restore": AccessRule(approvals=3)}})
    assert careful.rule("runbook back") == AccessRule(role="operator", approvals=3)
    assert careful.rule("runbook tidy") == AccessRule(role="anyone", approvals=0)


@pytest.mark.parametrize("name", ["list", "plan"])
def test_a_runbook_is_not_called_like_a_word_of_the_command(name: str) -> None:
    with pytest.raises(ValidationError, match="has a meaning of its own"):
        Settings.model_validate({"runbooks": {name: {"title": "T", "steps": [{"note": "x"}]}}})
