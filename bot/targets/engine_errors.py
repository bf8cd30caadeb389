"""The one place where the Docker SDK's errors become those that people understand."""

import asyncio
from collections.abc import Callable
from typing import Any

import docker.errors
import requests.exceptions

from bot.errors import NotFound, OpsbellError, Unavailable

NOT_RUNNING_HINT = "Start the Docker Engine (systemctl start docker) or set DOCKER_HOST."
REFUSED_HINT = "What stands before the Engine, such as a socket proxy, has to let this pass."
PERMISSION_HINT = "Add Opsbell's user to the group docker and start Opsbell again."


def from_status(status: int, message: str) -> OpsbellError:
    """An answer of the Engine that is not a success, by its HTTP status."""
    said = message.strip().rstrip(".")[:300] or f"status {status}"
    if status == 404:
        return NotFound(f"Docker does not know this: {said}.")
    if status in (401, 403):
        return Unavailable(f"Docker refused: {said}.", hint=REFUSED_HINT, retryable=False)
    # 409 is a container that is stopped, paused or about to go; 5xx is the Engine's own trouble.
    retryable = status == 409 or status >= 500
    return Unavailable(f"Docker could not do this: {said}.", retryable=retryable)


def translate(error: Exception) -> OpsbellError:
    """An error of the SDK, of the connection below it, or of the operating system."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return HANDLERS[kind](error)
    raise TypeError(f"{type(error).__name__} has no translation") from error


def _api(error: docker.errors.APIError) -> OpsbellError:
    return from_status(error.status_code or 500, str(error.explanation or ""))


def _connection(error: Exception) -> OpsbellError:
    """No conversation with the Engine: the first cause says which of the usual ones it is."""
    causes = list(_causes(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return Unavailable(
            "Opsbell may not use the Docker Engine: permission denied on its socket.",
            hint=PERMISSION_HINT,
            retryable=False,
        )
    if any(isinstance(cause, FileNotFoundError | ConnectionRefusedError) for cause in causes):
        return Unavailable("The Docker Engine does not run.", hint=NOT_RUNNING_HINT)
    return Unavailable("The Docker Engine does not answer.", hint=NOT_RUNNING_HINT)


def _causes(error: BaseException) -> list[BaseException]:
    """An error and all that led to it, also where it is only an argument of another one."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
    return found


def _timeout(error: Exception) -> OpsbellError:
    return Unavailable(
        "The Docker Engine did not answer in time.",
        hint="It may be overloaded; docker info on its machine shows whether it answers.",
    )


def _configuration(error: Exception) -> OpsbellError:
    return Unavailable(
        f"Docker cannot be reached as configured: {type(error).__name__}.",
        hint="Look at DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and docker context ls.",
        retryable=False,
    )


def _unfit(error: Exception) -> OpsbellError:
    return Unavailable(
        f"The Docker Engine does not fit: {type(error).__name__}.",
        hint="Opsbell needs Docker 20.10 or newer.",
        retryable=False,
    )


def _unused(error: Exception) -> OpsbellError:
    """What belongs to calls that are not made here; shown by its name should it ever come."""
    return Unavailable(f"Docker could not do this: {type(error).__name__}.", retryable=False)


def _broken_stream(error: Exception) -> OpsbellError:
    return Unavailable("What the Docker Engine sent was cut off.")


HANDLERS: dict[type[BaseException], Callable[[Any], OpsbellError]] = {
    docker.errors.APIError: _api,
    docker.errors.NotFound: _api,
    docker.errors.ImageNotFound: _api,
    docker.errors.DockerException: _connection,
    docker.errors.InvalidVersion: _unfit,
    docker.errors.DeprecatedMethod: _unfit,
    docker.errors.TLSParameterError: _configuration,
    docker.errors.InvalidConfigFile: _configuration,
    docker.errors.MissingContextParameter: _configuration,
    docker.errors.ContextAlreadyExists: _configuration,
    docker.errors.ContextException: _configuration,
    docker.errors.ContextNotFound: _configuration,
    docker.errors.StreamParseError: _broken_stream,
    docker.errors.NullResource: _unused,
    docker.errors.InvalidRepository: _unused,
    docker.errors.InvalidArgument: _unused,
    docker.errors.ContainerError: _unused,
    docker.errors.BuildError: _unused,
    docker.errors.ImageLoadError: _unused,
    requests.exceptions.Timeout: _timeout,
    requests.exceptions.RequestException: _connection,
    asyncio.LimitOverrunError: _broken_stream,
    TimeoutError: _timeout,
    OSError: _connection,
    EOFError: _broken_stream,
}
"""Every class of the SDK by its exact name, and those of the layers below it."""

ERRORS = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    requests.exceptions.RequestException,
    asyncio.LimitOverrunError,
    OSError,
    EOFError,
)
"""What a conversation with the Engine can raise, and `translate` takes."""
