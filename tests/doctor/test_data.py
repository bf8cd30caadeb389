"""What the doctor says of the data directory's mode."""

from pathlib import Path

import pytest

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
