"""How a target stands, in words: by its file first, since that is what visitors meet."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from bot.maintenance import view
from bot.maintenance.model import State
from bot.maintenance.standing import Standing
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign


def status(standing: Standing, zone: ZoneInfo) -> Message:
    """The answer to /maintenance status."""
    sign, told = _sentence(standing, zone)
    lines = [f"*{sign} {blocks.literal(told)}*", *_details(standing, zone)]
    if standing.proof:
        proof = standing.proof
        mark = Sign.DONE if proof.sound else Sign.CRITICAL
        lines.append(f"{mark} {blocks.escape(proof.url)}: {blocks.escape(proof.said)}.")
    parts: list[Block] = [blocks.section("\n".join(lines))]
    parts += [
        blocks.context(f"Scheduled: {view.span(window, zone)} · maintenance {window.id}")
        for window in standing.scheduled
    ]
    if row := _buttons(standing):
        parts.append(blocks.actions(*row))
    return Message(f"{sign} {blocks.without_moments(told)}", parts)


def as_data(standing: Standing) -> dict[str, Any]:
    """The same for a script."""
    window, proof = standing.window, standing.proof
    return {
        "target": standing.target,
        "on": None if standing.trouble else standing.file is not None,
        "trouble": standing.trouble,
        "maintenance": window.id if window else None,
        "reason": standing.file.reason if standing.file else "",
        "by": standing.file.by if standing.file else "",
        "until": window.until.isoformat() if window and window.until else None,
        "status": proof.status if proof else None,
        "proven": proof.sound if proof else None,
        "scheduled": [
            {
                "maintenance": each.id,
                "starts": each.starts.isoformat() if each.starts else None,
                "ends": each.planned_end.isoformat() if each.planned_end else None,
                "reason": each.reason,
            }
            for each in standing.scheduled
        ],
    }


def _sentence(standing: Standing, zone: ZoneInfo) -> tuple[Sign, str]:
    target, file, window = standing.target, standing.file, standing.window
    if standing.trouble:
        record = "on record it is" if window else "on record it is not"
        return Sign.UNKNOWN, (
            f"Whether {target} is in maintenance is not known ({record}): {standing.trouble}"
        )
    if window and window.state is not State.ON:
        there = "is there" if file else "is not there"
        return (
            Sign.RUNNING,
            f"The maintenance of {target} is {window.state.value}: its file {there}.",
        )
    if file and window:
        return Sign.PAUSED, f"{target} is in maintenance, {view.until(window, zone)}."
    if file:
        origin = f"made by operation {file.operation}" if file.operation else "made by hand"
        return Sign.PAUSED, f"{target} is in maintenance: its file is there, {origin}."
    if window:
        return Sign.CRITICAL, (
            f"{target} should be in maintenance, but its file is gone: visitors are let in."
            " /maintenance off closes the record."
        )
    return Sign.DONE, f"{target} is not in maintenance."


def _buttons(standing: Standing) -> list[Block]:
    """Its end and, where it has one by itself, a later one. What belongs to a longer operation is
    ended by that."""
    window = standing.window
    if window is None:
        return [view.open_button(standing.target)] if standing.file else []
    return view.buttons(window) if not window.embedded else []


def _details(standing: Standing, zone: ZoneInfo) -> list[str]:
    window = standing.window
    if window is None:
        return []
    parts = [blocks.escape(window.reason)] if window.reason else []
    since = f"since {blocks.day_and_time(window.began, zone)}" if window.began else ""
    by = f"by {who(window.actor)}" if window.actor else ""
    parts.append(" ".join(filter(None, (since, by, f"· maintenance {window.id}"))))
    return parts
