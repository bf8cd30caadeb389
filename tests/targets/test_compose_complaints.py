"""What of Compose's own complaints is let through: never the value that it complains of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.targets import ComposeTarget
from bot.targets.compose_command import ComposeConfiguration, compose_configuration
from bot.targets.compose_complaints import Refusal, Unset, located, refusal

pytestmark = pytest.mark.needs("compose")
FILE = "services:\n  db:\n    image: postgres\n    environment:\n      PASSWORD: {}\n"


async def read(directory: Path, text: str, **compose: Any) -> ComposeConfiguration:
    """What the real Compose makes of a Compose file."""
    (directory / "compose.yaml").write_text(text)
    target = {"runtime": "compose", "directory": directory, "compose": {"project": "a", **compose}}
    return await compose_configuration(ComposeTarget.model_validate(target))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('"s3cr3t${hunter"', "invalid interpolation format for services.db.environment.PASSWORD"),
        ("@s3cr3t", "yaml: line 5: found character that cannot start any token"),
        ("s3cr3t: x", "yaml: line 5: mapping values are not allowed in this context"),
        ("*s3cr3t", ""),
        ("x\n      PASSWORD: s3cr3t", "yaml: line 6: the key of line 5 stands there again"),
        ("[s3cr3t]", ""),
        ("x\n    s3cr3t s3cr3t: x", ""),
        ("x\n    image_: s3cr3t", "services.db has the key image_, which Compose does not know"),
    ],
)
async def test_a_refusal_without_the_value(tmp_path: Path, value: str, says: str) -> None:
    found = await read(tmp_path, FILE.format(value))
    assert found.refusal is not None
    assert found.refusal.says == says


async def test_a_file_that_is_no_project(tmp_path: Path) -> None:
    assert (await read(tmp_path, "s3cr3t\n")).refusal == Refusal()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("PASSWORD=s3cr3t${hunter", "invalid interpolation format in {path}"),
        ("s3cr3t hunter", "it cannot read line 1 of {path}"),
        ("PASSWORD='s3cr3t", "it cannot read line 2 of {path}"),
        ("s3!cr3t=x", "it cannot read line 1 of {path}"),
    ],
)
async def test_an_environment_file_without_the_value(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "production.env"
    path.write_text(f"{line}\n")
    found = await read(tmp_path, FILE.format("x"), env_file="production.env")
    assert found.refusal is not None
    assert found.refusal.says == says.format(path=path)


async def test_a_variable_is_named_where_it_stands_in_braces(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=s3cr3t$hunter2\n")
    found = await read(tmp_path, FILE.format('"${SITE} s3cr3t$pass $$escaped"'))
    assert found.unset == Unset(("SITE",), ("line 1 of .env", "line 5 of compose.yaml"))
    assert found.services == ("db",)


async def test_a_variable_that_must_be_set(tmp_path: Path) -> None:
    found = await read(tmp_path, FILE.format('"${SITE:?s3cr3t}"'))
    assert (found.refusal, found.unset) == (Refusal(), Unset(("SITE",)))


async def test_a_sound_file(tmp_path: Path) -> None:
    found = await read(tmp_path, yaml.safe_dump({"services": {"db": {"image": "postgres"}}}))
    assert found == ComposeConfiguration(("db",))


def test_a_variable_of_an_included_file_is_not_named() -> None:
    assert located(["hunter2"], {Path("compose.yaml"): "include: [other.yaml]"}) == Unset(
        (), ("one of the files",)
    )


def test_what_is_not_known_is_not_told() -> None:
    assert refusal("s3cr3t is no port\n") == Refusal()
    quoting = "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `s3cr3t` into cli.named\n"
    assert refusal(quoting) == Refusal("yaml: line 1")
