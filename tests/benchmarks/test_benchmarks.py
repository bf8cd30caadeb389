"""The benchmarks run and count right. How fast anything was is never judged here."""

import math

import pytest

from benchmarks import ack, startup
from benchmarks.apps import BARE, OPSBELL
from benchmarks.load import arrivals, percentile


def test_both_sides_get_the_same_moments_at_the_wanted_rate() -> None:
    moments = arrivals(200, 50, seed=1)

    assert moments == arrivals(200, 50, seed=1) == sorted(moments)
    assert len(moments) == pytest.approx(200 * 50, rel=0.05)
    assert moments[0] > 0
    assert moments[-1] < 50


def test_percentiles_are_times_that_were_measured() -> None:
    times = [float(each) for each in range(100, 0, -1)]

    assert percentile(times, 0.5) == 50
    assert percentile(times, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) == math.inf


async def test_every_command_is_acked_by_both_and_answered_by_opsbell() -> None:
    measured = await ack.measure(rounds=1, seconds=1, rates=[20])

    (bare,), (ours,) = measured[BARE, 20], measured[OPSBELL, 20]
    assert bare.offered == len(bare.acks) == ours.offered == len(ours.acks) == len(ours.answers)
    assert not bare.answers
    assert all(answer > 0 for answer in ours.answers)
    rows = {str(row["app"]): row for row in ack.as_json(measured)}
    assert rows[OPSBELL]["unacked"] == 0
    assert rows.keys() == {BARE, OPSBELL}
    assert "answer_p99" in rows[OPSBELL]
    assert ack.table(measured).row_count == 3


async def test_starts_are_timed_and_weighed() -> None:
    measured = await startup.measure(rounds=1)

    assert measured.keys() == {BARE, startup.FIRST, OPSBELL}
    for name, found in startup.figures(measured).items():
        assert 0 < found["connected"].median <= found["ready"].median
        assert found["memory"].median > 1
        assert ("postgres" in found) is (name != BARE)
