"""The real parts that tests stand on: is each there, and may it be missing?

`@pytest.mark.needs("docker", "compose")` skips a test, with the reason, where a part is missing.
Where the environment variable `OPSBELL_REQUIRE` names that part, the test fails instead.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache

import pytest


def _program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"the program {name} is not installed"


def _succeeds(reason: str, *argv: str) -> Callable[[], str | None]:
    def probe() -> str | None:
        if shutil.which(argv[0]) is None:
            return f"the program {argv[0]} is not installed"
        return (
            None
            if subprocess.run(argv, capture_output=True, check=False).returncode == 0
            else reason
        )

    return probe


def _image(*tags: str) -> Callable[[], str | None]:
    return _succeeds(
        f"not all of these images are built: {', '.join(tags)}", "docker", "image", "inspect", *tags
    )


def _own_compose() -> str | None:
    """Compose has to be missing where another user's home is given."""
    if reason := _PROBES["compose"]():
        return reason
    with tempfile.TemporaryDirectory() as home:
        elsewhere = os.environ | {"HOME": home, "DOCKER_CONFIG": home}
        argv = ("docker", "compose", "version")
        done = subprocess.run(argv, env=elsewhere, capture_output=True, check=False)
    return "the Compose plugin is installed for all users" if done.returncode == 0 else None


# Each says why a part cannot be used here, or None where it can.
_PROBES: dict[str, Callable[[], str | None]] = {
    "docker": _succeeds("no Docker Engine answers", "docker", "info"),
    "compose": _succeeds("Docker Compose v2 is not installed", "docker", "compose", "version"),
    "own-compose": _own_compose,
    "postgres-image": _image("opsbell-test/postgres:17", "opsbell-test/postgres:15"),
    "web-image": _image("opsbell-test/web:1"),
    "django-image": _image("opsbell-test/django:1", "opsbell-test/nginx:1"),
    "detour-image": _image("opsbell-test/detour:1"),
    "browser": _program("chromium"),
    "zstd": _program("zstd"),
    "openssl": _program("openssl"),
    "ssh": _program("ssh"),
    "git": _program("git"),
    "nginx": _program("nginx"),
    "restic": _program("restic"),
    "rclone": _program("rclone"),
    "root": lambda: None if os.geteuid() == 0 else "only root may mount a file system",
}


@cache
def missing(part: str) -> str | None:
    """Return why a part cannot be used here, or None where it can; each is tried once a run.

    Raises ValueError where there is no such part.
    """
    if part not in _PROBES:
        raise ValueError(f"no part is called {part!r}; there are {', '.join(_PROBES)}")
    return _PROBES[part]()


def required() -> frozenset[str]:
    """Return the parts that `OPSBELL_REQUIRE` names, separated by commas.

    Raises ValueError where one of them does not exist.
    """
    names = frozenset(filter(None, os.environ.get("OPSBELL_REQUIRE", "").split(",")))
    if unknown := names - _PROBES.keys():
        raise ValueError(f"OPSBELL_REQUIRE: no part is called {', '.join(sorted(unknown))}")
    return names


def need(*parts: str) -> None:
    """Skip the running test, or fail it, where one of the parts is missing."""
    for part in parts:
        if reason := missing(part):
            if part in required():
                pytest.fail(f"OPSBELL_REQUIRE names {part}, but {reason}", pytrace=False)
            pytest.skip(f"needs {part}: {reason}")
