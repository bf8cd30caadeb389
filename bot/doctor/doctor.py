"""The doctor's round: every area at the same time, each within a limit of its own."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.cancelling import end
from bot.doctor import (
    backups,
    configuration,
    container,
    data,
    database,
    docker,
    http,
    slack,
    targets,
)
from bot.doctor.model import Finding, unseen
from bot.doctor.patient import Patient
from bot.errors import OpsbellError
from bot.targets.own_container import own_container
from bot.words import duration

logger = logging.getLogger(__name__)

Examine = Callable[[Patient], AsyncIterator[Finding]]
"""Looks at one area and changes nothing. It need not catch OpsbellError: its words become a
finding. Secrets in findings are hidden here."""


@dataclass(frozen=True)
class Area:
    """One area of the round; `limit` is how long its examination may take."""

    name: str
    examine: Examine
    limit: timedelta = timedelta(seconds=10)


AREAS: tuple[Area, ...] = (
    Area("Configuration", configuration.examine),
    Area("Slack", slack.examine),
    Area("Database", database.examine),
    Area("Data directory", data.examine),
    Area("HTTP", http.examine),
    # An Engine that hangs is given up by its own limit of 10 s, whose words say more.
    Area("Docker", docker.examine, timedelta(seconds=20)),
    Area("Targets", targets.examine, timedelta(seconds=30)),
    Area("Backups", backups.examine, timedelta(seconds=25)),
    Area("Container", container.examine),
)


async def examine(
    patient: Patient, areas: Sequence[Area] = AREAS
) -> AsyncIterator[tuple[Area, list[Finding]]]:
    """Each area with what was found there, in their order, as soon as it is known."""
    rounds = [asyncio.create_task(_findings(area, patient), name=area.name) for area in areas]
    try:
        for area, found in zip(areas, rounds, strict=True):
            yield area, await found
    finally:
        await end(rounds)


async def next_step(patient: Patient) -> str:
    """How a sound Opsbell is started, as a sentence; "" where it runs already."""
    if await http.is_opsbell(patient.settings.http.listen):
        return ""
    if own_container() is not None:
        return "Start it: docker compose up --detach --wait"
    config = str(patient.config)
    known = config in ("opsbell.yaml", patient.environ.get("OPSBELL_CONFIG"))
    return "Start it: opsbell run" + ("" if known else f" --config {shlex.quote(config)}")


async def _findings(area: Area, patient: Patient) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(area.limit.total_seconds()):
            async for finding in area.examine(patient):
                found.append(finding)  # noqa: PERF401 - what came before the limit stays
    except TimeoutError:
        says = f"This took longer than {duration(area.limit)}; the rest was not looked at."
        found.append(unseen(area.name, "Time limit", says))
    except OpsbellError as error:
        found.append(unseen(area.name, "Examination", str(error)))
    except Exception as error:
        # A defect in one area must not hide what the others found.
        logger.critical("an examination ended by a defect", exc_info=error)
        says = "Opsbell's examination ended by a defect; its log stands above."
        found.append(unseen(area.name, "Examination", says))
    return [_redacted(each, patient) for each in found]


def _redacted(finding: Finding, patient: Patient) -> Finding:
    says, todo = patient.redact(finding.says), patient.redact(finding.todo)
    return replace(finding, says=says, todo=todo)
