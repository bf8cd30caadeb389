"""Times where nothing is rendered: in the configured zone, whatever the machine's is."""

import json
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import words
from bot.slack import blocks
from bot.terminal import plain
from tests.parts.house import app_slack, running_opsbell, write_config
from tests.parts.process import opsbell

TOKYO = """
timezone: Asia/Tokyo
checklists:
  daily: {title: Daily maintenance, schedule: "0 9 * * *", due: 4h, items: [Look at the logs]}
"""
MACHINE = {"TZ": "UTC"}


def test_a_moment_is_told_in_the_zone_that_was_set_or_that_is_given() -> None:
    at = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)

    def told() -> list[str]:
        words.tell_times_in(ZoneInfo("Asia/Tokyo"))
        return [plain(blocks.moment(at)), words.moment(at, ZoneInfo("Europe/Berlin"))]

    assert copy_context().run(told) == ["Thu 26 Nov 06:30 JST", "Wed 25 Nov 22:30 CET"]


@pytest.mark.parametrize("typed", [("checklist",), ("status",)])
async def test_at_the_terminal(tmp_path: Path, database_url: str, typed: tuple[str, ...]) -> None:
    write_config(tmp_path, database_url, TOKYO)
    async with opsbell(*typed, cwd=tmp_path, env=MACHINE) as process:
        assert await process.wait(timeout=60) == 0
    said = "\n".join(process.output)
    assert "09:00 JST" in said
    assert "UTC" not in said


async def test_in_slack(tmp_path: Path, database_url: str) -> None:
    config = write_config(tmp_path, database_url, TOKYO)
    async with app_slack() as slack, running_opsbell(config, slack, MACHINE):
        alice = slack.person("alice")
        await alice.command("/opsbell status", channel="ops")
        shown = await alice.wait_for_ephemeral(channel="ops", text="checklist daily")
        # A request that changes something is answered by a worker of the queue.
        await alice.command("/checklist post daily", channel="ops")
        posted = await slack.wait_for_message(channel="ops", text="0 of 1", timeout=30)
        for message in (shown, posted):
            raw = json.dumps(message.blocks)
            assert " JST>" in raw
            assert " UTC>" not in raw
