"""Slash-command acks and answers: Opsbell beside a bare Bolt app, in turn, on one local Slack."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.apps import BARE, OPSBELL, running, team, write_config
from benchmarks.figures import Figure
from benchmarks.load import COMMAND, Result, arrivals, offer, percentile
from bot.playground import LocalSlack

RATES = (1, 50, 200)
WARM_UP = 20, 1.0  # commands a second, seconds
# At low rates a stretch lasts long enough for about this many commands.
FEWEST = 20
HEADINGS = {
    "ack_p50": "ack p50",
    "ack_p99": "ack p99",
    "acked_per_second": "acked/s",
    "answer_p50": "answer p50",
    "answer_p99": "answer p99",
}

Measured = dict[tuple[str, int], list[Result]]


async def measure(rounds: int, seconds: float, rates: Sequence[int] = RATES) -> Measured:
    """Results by app and rate, one for each round.

    At each rate the two follow one another at once, with the same moments, so that both meet
    about the same machine; who begins changes from round to round.
    """
    measured: Measured = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="opsbell-bench-") as directory:
        config = write_config(Path(directory))
        async with LocalSlack(team()) as slack:
            for number in range(rounds):
                for rate in rates:
                    moments = arrivals(rate, max(seconds, FEWEST / rate), seed=number)
                    for name in (BARE, OPSBELL) if number % 2 == 0 else (OPSBELL, BARE):
                        async with running(name, config, slack):
                            result = await _stretch(slack, name, moments)
                        measured[name, rate].append(result)
    return measured


async def _stretch(slack: LocalSlack, name: str, moments: list[float]) -> Result:
    answered = name == OPSBELL
    await offer(slack, arrivals(*WARM_UP, seed=0), answered=answered)
    result = await offer(slack, moments, answered=answered)
    slack.deliveries.clear()
    return result


def figures(results: list[Result]) -> dict[str, Figure]:
    """What the rounds of one app at one rate come to: milliseconds, and acks a second."""
    found: dict[str, Figure] = {}
    for kind in ("ack", "answer"):
        times = [each.acks if kind == "ack" else each.answers for each in results]
        if any(times):
            for share in (50, 99):
                each = (percentile(some, share / 100) * 1000 for some in times)
                found[f"{kind}_p{share}"] = Figure(tuple(each))
    found["acked_per_second"] = Figure(tuple(len(each.acks) / each.seconds for each in results))
    return found


def as_json(measured: Measured) -> list[dict[str, object]]:
    """One row for each app and rate."""
    return [
        {
            "app": name,
            "rate": rate,
            "commands": sum(each.offered for each in results),
            "unacked": _unacked(results),
            **{key: figure.as_json() for key, figure in figures(results).items()},
        }
        for (name, rate), results in measured.items()
    ]


def table(measured: Measured) -> Table:
    """The figures beside one another, and what share of bare Bolt's Opsbell's are."""
    shown = Table(title=f"{COMMAND}: ms, median of the rounds (least-most)")
    shown.add_column("a second", justify="right")
    shown.add_column("app")
    for heading in (*HEADINGS.values(), "unacked"):
        shown.add_column(heading, justify="right")
    for rate in sorted({rate for _, rate in measured}):
        both = {name: figures(measured[name, rate]) for name in (BARE, OPSBELL)}
        for name, found in both.items():
            cells = [str(found.get(key, "")) for key in HEADINGS]
            shown.add_row(str(rate), name, *cells, str(_unacked(measured[name, rate])))
        shares = (both[OPSBELL][key].median / both[BARE][key].median for key in _COMPARED)
        shown.add_row("", "share", *(f"{share:.2f}" for share in shares), end_section=True)
    return shown


_COMPARED = ("ack_p50", "ack_p99")


def _unacked(results: list[Result]) -> int:
    return sum(each.offered - len(each.acks) for each in results)


def main(arguments: list[str] | None = None) -> None:
    """The program's entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn (default 3)")
    parser.add_argument("--seconds", type=float, default=10, help="of load at each rate")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="commands a second")
    asked = parser.parse_args(arguments)
    measured = asyncio.run(measure(asked.rounds, asked.seconds, asked.rates))
    if asked.json:
        print(json.dumps(as_json(measured), indent=2))
    else:
        Console(width=130).print(table(measured))


if __name__ == "__main__":
    main()
