"""Whatever the Docker SDK raises is something that people understand."""

import inspect

import docker.errors
import pytest
import requests.exceptions

from bot.errors import NotFound, OpsbellError, Unavailable
from bot.targets.engine_errors import ERRORS, HANDLERS, from_status, translate

_SDK_ERRORS = [
    kind
    for _, kind in inspect.getmembers(docker.errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == "docker.errors"
]
_REQUESTS_ERRORS = [
    kind
    for _, kind in inspect.getmembers(requests.exceptions, inspect.isclass)
    if issubclass(kind, requests.exceptions.RequestException)
]


@pytest.mark.parametrize("kind", _SDK_ERRORS)
def test_each_error_of_the_sdk_is_mapped_by_name(kind: type[Exception]) -> None:
    assert kind in HANDLERS


@pytest.mark.parametrize("kind", [*_SDK_ERRORS, *_REQUESTS_ERRORS, OSError, EOFError])
def test_each_error_is_caught_and_translated(kind: type[Exception]) -> None:
    assert issubclass(kind, ERRORS)
    # Their constructors differ; what the translation looks at is given to each.
    error = kind.__new__(kind)
    vars(error).update(response=None, explanation="the Engine's words")
    translated = translate(error)
    assert isinstance(translated, OpsbellError)
    assert translated.message.endswith(".")


def test_what_is_unknown_is_a_defect() -> None:
    with pytest.raises(TypeError, match="ZeroDivisionError has no translation"):
        translate(ZeroDivisionError())


def test_the_usual_causes_say_what_to_do() -> None:
    # The SDK puts the cause into the arguments of its error, not into its chain.
    for cause, words in (
        (PermissionError(13, "Permission denied"), "group docker"),
        (FileNotFoundError(2, "No such file"), "systemctl start docker"),
        (ConnectionRefusedError(111, "Connection refused"), "systemctl start docker"),
    ):
        inner = requests.exceptions.ConnectionError("Connection aborted.", cause)
        for error in (inner, docker.errors.DockerException("Error while fetching", inner)):
            translated = translate(error)
            assert isinstance(translated, Unavailable)
            assert words in translated.hint


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, Unavailable, False),
        (403, Unavailable, False),
        (404, NotFound, None),
        (409, Unavailable, True),
        (500, Unavailable, True),
    ],
)
def test_answers_by_status(status: int, kind: type[OpsbellError], retryable: bool | None) -> None:
    error = from_status(status, "Container abc is not running")
    assert type(error) is kind
    assert "Container abc is not running." in error.message
    assert getattr(error, "retryable", None) is retryable
