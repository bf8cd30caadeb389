"""Numbers against their thresholds."""

import pytest

from bot.checks.model import State
from bot.checks.thresholds import judge, number, reached


@pytest.mark.parametrize(
    ("value", "warn", "crit", "state", "limit"),
    [
        (0, None, None, State.OK, None),
        (1e9, None, None, State.OK, None),
        (0.99, 1, 20, State.OK, None),
        (1, 1, 20, State.WARNING, 1),
        (19.9, 1, 20, State.WARNING, 1),
        (20, 1, 20, State.CRITICAL, 20),
        (21, None, 20, State.CRITICAL, 20),
        (5, 1, None, State.WARNING, 1),
        (0, 0, None, State.WARNING, 0),
    ],
)
def test_a_threshold_is_reached_at_its_value(
    value: float, warn: float | None, crit: float | None, state: State, limit: float | None
) -> None:
    assert judge(value, warn, crit) is state
    assert reached(value, warn, crit) == limit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (12034.5, "12\u202f034.5"),
        (1234567, "1\u202f234\u202f567"),
        (0.126, "0.13"),
        (0.001, "0"),
        (100, "100"),
    ],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text
