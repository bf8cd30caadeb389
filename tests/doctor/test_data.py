"""What the doctor says of the data directory's mode."""

from pathlib import Path

import pytest

from bot.core import make_data_directory
from bot.doctor import data
from bot.os_user import me
from tests.doctor.examining import findings, told


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (0o700, "✅ Directory: DATA is private to ME."),
        (
            0o710,
            (
                "✅ Directory: DATA belongs to ME. Its group may pass through without looking, as"
                " the embedded PostgreSQL does (mode 710)."
            ),
        ),
        (
            0o711,
            (
                "✅ Directory: DATA belongs to ME. Others may pass through without looking, as"
                " the embedded PostgreSQL does (mode 711)."
            ),
        ),
        (
            0o750,
            (
                "⚠️ Directory: DATA has mode 750: others on this machine can look into it."
                " Run: chmod 700 DATA"
            ),
        ),
    ],
)
async def test_the_mode_is_said_as_it_is(tmp_path: Path, mode: int, says: str) -> None:
    path = tmp_path / "var"
    path.mkdir()
    path.chmod(mode)
    found = told(await findings(data.examine, tmp_path, {"data": str(path)}))
    assert found[0] == says.replace("DATA", str(path)).replace("ME", me())


async def test_what_a_start_makes_is_private_with_those_above_it(tmp_path: Path) -> None:
    path = tmp_path / "opsbell" / "var"
    make_data_directory(path)
    for made in (path.parent, path):
        found = told(await findings(data.examine, tmp_path, {"data": str(made)}))
        assert found[0] == f"✅ Directory: {made} is private to {me()}."


async def test_a_start_leaves_the_mode_of_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "var"
    path.mkdir(mode=0o710)
    make_data_directory(path)
    assert path.stat().st_mode & 0o777 == 0o710
