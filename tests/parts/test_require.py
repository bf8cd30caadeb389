"""A test whose part is missing is skipped with the reason, or fails where the part is required."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.require import missing

REPOSITORY = Path(__file__).parents[2]
SKIPPED = "needs docker: the program docker is not installed"


def run_pytest(directory: Path, required: str) -> subprocess.CompletedProcess[str]:
    """Run one test that needs docker where no program can be found at all."""
    (directory / "test_it.py").write_text(
        "import pytest\n@pytest.mark.needs('docker')\ndef test_it() -> None:\n    print('it ran')\n"
    )
    plugins = ("-p", "tests.conftest", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", REPOSITORY / "pyproject.toml", *plugins, directory],
        cwd=REPOSITORY,
        env={"PATH": str(directory), "OPSBELL_REQUIRE": required},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_part_skips_with_its_reason(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, required="zstd")
    assert result.returncode == 0, result.stdout
    assert SKIPPED in result.stdout
    assert "1 skipped" in result.stdout


def test_a_missing_part_fails_where_it_is_required(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, required="docker,zstd")
    assert result.returncode == 1, result.stdout
    reason = "OPSBELL_REQUIRE names docker, but the program docker is not installed"
    assert reason in result.stdout


def test_an_unknown_required_part_is_refused(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, required="dokcer")
    assert result.returncode == 4
    assert "OPSBELL_REQUIRE: no part is called dokcer" in result.stderr


def test_an_unknown_needed_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="no part is called 'dokcer'"):
        missing("dokcer")
