"""Figures that several rounds gave, and how they are shown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure of each round: its median, and its spread from the least to the most."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, float]:
        """For `--json`."""
        return {"median": self.median, "least": min(self.rounds), "most": max(self.rounds)}

    def __str__(self) -> str:
        return (
            f"{_rounded(self.median)} ({_rounded(min(self.rounds))}-{_rounded(max(self.rounds))})"
        )


def _rounded(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
