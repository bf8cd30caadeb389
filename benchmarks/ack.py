"""Slash-command acks and answers: Opsbell beside a bare Bolt app, in turn, on one local Slack."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.apps import BARE, OPSBELL, running, team, write_config
from benchmarks.load import Result, arrivals, offer, percentile
from bot.playground import LocalSlack

RATES = (1, 50, 200)
WARM_UP = 20, 1.0  # commands a second, seconds
# At low rates a stretch lasts long enough for this many commands.
FEWEST = 20


@dataclass(frozen=True)
class Figure:
    """One figure of each round, in milliseconds, or acks a second: its median and its spread."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, float]:
        """For `--json`."""
        return {"median": self.median, "least": min(self.rounds), "most": max(self.rounds)}

    def __str__(self) -> str:
        return f"{self.median:.1f} ({min(self.rounds):.1f}-{max(self.rounds):.1f})"


Measured = dict[tuple[str, int], list[Result]]


async def measure(rounds: int, seconds: float) -> Measured:
    """Results by app and rate, one for each round; the two take turns, and begin in turn."""
    measured: Measured = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="opsbell-bench-") as directory:
        config = write_config(Path(directory))
        async with LocalSlack(team()) as slack:
            for number in range(rounds):
                for name in (BARE, OPSBELL) if number % 2 == 0 else (OPSBELL, BARE):
                    async with running(name, config, slack):
                        await _one_round(slack, name, number, seconds, measured)
    return measured


async def _one_round(
    slack: LocalSlack, name: str, number: int, seconds: float, measured: Measured
) -> None:
    answered = name == OPSBELL
    await offer(slack, arrivals(*WARM_UP, seed=number), answered=answered)
    for rate in RATES:
        moments = arrivals(rate, max(seconds, FEWEST / rate), seed=number)
        measured[name, rate].append(await offer(slack, moments, answered=answered))
        slack.deliveries.clear()


def figures(results: list[Result]) -> dict[str, Figure]:
    """What the rounds of one app at one rate come to."""

    def of_each(times: str, share: float) -> Figure:
        return Figure(tuple(percentile(getattr(each, times), share) * 1000 for each in results))

    found = {"ack_p50": of_each("acks", 0.5), "ack_p99": of_each("acks", 0.99)}
    found["acked_per_second"] = Figure(tuple(len(each.acks) / each.seconds for each in results))
    if any(each.answers for each in results):
        found |= {"answer_p50": of_each("answers", 0.5), "answer_p99": of_each("answers", 0.99)}
    return found


def as_json(measured: Measured) -> list[dict[str, object]]:
    """One row for each app and rate."""
    rows: list[dict[str, object]] = []
    for (name, rate), results in measured.items():
        shown = {key: figure.as_json() for key, figure in figures(results).items()}
        commands = sum(each.offered for each in results)
        lost = commands - sum(len(each.acks) for each in results)
        rows.append({"app": name, "rate": rate, "commands": commands, "unacked": lost, **shown})
    return rows


def table(measured: Measured) -> Table:
    """The figures beside one another, and Opsbell's as a share of bare Bolt's."""
    shown = Table(
        title="/backup now: ms, median of the rounds (least-most)", title_justify="left"
    )
    for heading in ("a second", "app", "ack p50", "ack p99", "acked/s", "unacked"):
        shown.add_column(heading, justify="left" if heading == "app" else "right")
    shown.add_column("answer p50", justify="right")
    shown.add_column("answer p99", justify="right")
    for rate in RATES:
        both = {name: figures(measured[name, rate]) for name in (BARE, OPSBELL)}
        for name, found in both.items():
            cells = [str(found[key]) if key in found else "" for key in _COLUMNS]
            lost = sum(each.offered - len(each.acks) for each in measured[name, rate])
            shown.add_row(str(rate), name, *cells[:3], str(lost), *cells[3:])
        ratios = (
            f"{both[OPSBELL][key].median / both[BARE][key].median:.2f}"
            for key in ("ack_p50", "ack_p99")
        )
        shown.add_row("", "ratio", *ratios, end_section=True)
    return shown


_COLUMNS = ("ack_p50", "ack_p99", "acked_per_second", "answer_p50", "answer_p99")


def main() -> None:
    """The program's entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of both, in turn (default 5)")
    parser.add_argument("--seconds", type=float, default=10, help="of load for each rate and round")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    measured = asyncio.run(measure(asked.rounds, asked.seconds))
    if asked.json:
        print(json.dumps(as_json(measured), indent=2))
    else:
        Console(width=120).print(table(measured))


if __name__ == "__main__":
    main()
