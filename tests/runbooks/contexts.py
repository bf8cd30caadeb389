"""A step's context for tests of step kinds by themselves: keeps what a step says."""

from datetime import UTC, datetime

from bot.operations.model import Operation, Step
from bot.operations.plan import Plan, PlannedStep
from bot.operations.states import OperationState, StepState


class Context:
    """See `bot.operations.model.StepContext`."""

    def __init__(self, planned: PlannedStep, *, target: str = "grandvps", number: int = 1) -> None:
        now = datetime.now(UTC)
        self.step = Step(0, planned, StepState.RUNNING, started=now)
        self.operation = Operation(
            number,
            Plan("runbook.test", "Test", target, (planned,)),
            OperationState.RUNNING,
            "slack:U0ALICE001",
            "manual",
            now,
            (self.step,),
            started=now,
        )
        self.told: list[str] = []
        self.written = ""

    async def progress(self, note: str, share: float | None = None) -> None:
        self.told.append(note)

    async def output(self, text: str) -> None:
        assert text.endswith("\n")
        self.written += text
