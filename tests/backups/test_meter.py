"""What a running step says of itself."""

from datetime import UTC, datetime

import pytest

from bot.backups.meter import Meter
from bot.operations.model import Operation, Step
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState


class Told:
    """A step's context that writes down what it is told."""

    def __init__(self) -> None:
        planned = PlannedStep("backup.database", "Database")
        self.step = Step(0, planned)
        self.operation = Operation(
            id=1,
            plan=Plan("backup", "Backup of grandvps", "grandvps", (planned,)),
            state=OperationState.RUNNING,
            actor="os:ann",
            reason="manual",
            requested=datetime(2026, 11, 22, tzinfo=UTC),
            steps=(self.step,),
        )
        self.notes: list[tuple[str, float | None]] = []

    async def progress(self, note: str, share: float | None = None) -> None:
        self.notes.append((note, share))

    async def output(self, text: str) -> None:
        raise AssertionError("a meter writes no output")


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock's hand, to be moved by the test."""
    hand = [100.0]
    monkeypatch.setattr("bot.backups.meter.monotonic", lambda: hand[0])
    return hand


async def test_size_speed_and_share_are_told(seconds: list[float]) -> None:
    told = Told()
    progress = Meter(told, expected=400_000_000)
    await progress.show(1_000_000)
    seconds[0] += 4
    await progress.show(200_000_000)
    await progress.show(500_000_000)
    assert told.notes == [
        ("1.0 MB", 0.0025),
        ("200 MB, 50.0 MB/s", 0.5),
        ("500 MB, 125 MB/s", 0.99),
    ]


async def test_without_an_earlier_set_there_is_no_share() -> None:
    told = Told()
    await Meter(told, expected=None).show(10)
    assert told.notes == [("10 B", None)]
