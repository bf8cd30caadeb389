"""What `make demo` installs."""

from __future__ import annotations

import re
import tomllib

from tests.image.installation import ROOT
from tests.image.test_files import pins


def test_the_demo_has_the_libraries_that_the_tests_had() -> None:
    """The same files of the same versions, all that it needs and nothing for development."""
    tested, used = pins("requirements.lock"), pins("demo.lock")
    assert used.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    names = {re.split(r"[<>=;\[ ]", pin)[0] for pin in used}
    assert {re.split(r"[<>=;\[ ]", each)[0].lower() for each in wanted} <= names
    assert not names & {"pytest", "mypy", "ruff", "playwright"}
