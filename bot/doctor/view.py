"""What the doctor found, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.doctor.model import Finding
from bot.words import Sign, count, join

WORDS = {
    Sign.DONE: "ok",
    Sign.WARNING: "warning",
    Sign.CRITICAL: "critical",
    Sign.UNKNOWN: "unknown",
}
_COLOURS = {
    Sign.DONE: "green",
    Sign.WARNING: "yellow",
    Sign.CRITICAL: "red",
    Sign.UNKNOWN: "bright_black",
}


def show(findings: Iterable[Finding], console: Console) -> None:
    """The findings under their areas' headings: as a table on a terminal, else a line for each."""
    for heading, found in groupby(findings, key=lambda finding: finding.area):
        console.print(Text(heading, style="bold"))
        if console.is_terminal:
            console.print(Padding(_table(found), (0, 0, 1, 0)))
        else:
            for finding in found:
                console.print(Text(line(finding)), soft_wrap=True)


def line(finding: Finding) -> str:
    """`🔴 critical  SLACK_BOT_TOKEN: what was found, what to do`, on one line."""
    told = f"{finding.says} {finding.todo}".rstrip()
    return f"{finding.sign} {WORDS[finding.sign]}  {finding.subject}: {told}"


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether all is well."""
    return all(each.sign is Sign.DONE for each in findings)


def summary(findings: Sequence[Finding]) -> str:
    """One sentence: what will not work, what to look at, what could not be seen."""
    numbers = {sign: sum(each.sign is sign for each in findings) for sign in WORDS}
    parts = []
    if wrong := numbers[Sign.CRITICAL]:
        parts.append(f"{count(wrong, 'thing')} will not work")
    if beware := numbers[Sign.WARNING]:
        parts.append(f"{beware} to look at")
    if unseen := numbers[Sign.UNKNOWN]:
        parts.append(f"{unseen} could not be seen")
    if not parts:
        return f"{Sign.DONE} All is well: {count(len(findings), 'thing')} looked at."
    worst = next(sign for sign in (Sign.CRITICAL, Sign.WARNING, Sign.UNKNOWN) if numbers[sign])
    return f"{worst} {join(parts)}."


def data(findings: Sequence[Finding]) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "findings": [
            {
                "area": each.area,
                "subject": each.subject,
                "state": WORDS[each.sign],
                "says": each.says,
                "todo": each.todo,
            }
            for each in findings
        ],
        **{word: sum(each.sign is sign for each in findings) for sign, word in WORDS.items()},
    }


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=2)
    table.add_column(ratio=5)
    for each in findings:
        state = Text(f"{each.sign} {WORDS[each.sign]}", style=_COLOURS[each.sign])
        told = Text(each.says)
        if each.todo:
            told.append(f"\n→ {each.todo}", style="bold")
        table.add_row(state, Text(each.subject), told)
    return table
