"""A deploy from the word typed in Slack to the button that takes it back, on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.playground import Message
from tests.deploys.conftest import Site
from tests.parts.house import app_slack, running_opsbell, write_config

pytestmark = pytest.mark.needs("git")

LIMIT = 90.0


async def test_deployed_seen_and_taken_back(
    site: Site, settings: dict[str, Any], tmp_path: Path, database_url: str
) -> None:
    parts = {name: settings[name] for name in ("targets", "backups", "data")}
    # What is JSON is YAML.
    config = write_config(
        tmp_path,
        database_url,
        *(f"{name}: {json.dumps(value, default=str)}" for name, value in parts.items()),
    )
    async with app_slack() as slack, running_opsbell(config, slack):
        alice = slack.person("U0ALICE001")

        async def ended(title: str, state: str) -> Message:
            return await slack.wait_for_message(
                channel="ops",
                timeout=LIMIT,
                where=lambda each: title in each.plain and f" · {state}" in each.plain,
            )

        assert (await alice.command("/deploy v1.5.0", channel="ops")).acked
        view = await alice.wait_for_view(
            timeout=30, where=lambda each: each.definition.get("submit") is not None
        )
        assert "1 migration to apply" in str(view.blocks)
        await alice.submit(view)
        message = await ended("Deploy of v1.5.0", "done")
        assert await site.runs("1.5.0")

        assert (await alice.command("/deploy status", channel="ops")).acked
        told = await alice.wait_for_ephemeral(text="v1.5.0", channel="ops", timeout=30)
        assert "not locked" in told.plain

        await alice.click(message, "Roll back")
        view = await alice.wait_for_view(
            timeout=30, where=lambda each: "The database stays migrated" in str(each.blocks)
        )
        await alice.submit(view)
        await ended("Rollback of deploy", "done")
        assert await site.runs("1.4.0")
        gone = await ended("Deploy of v1.5.0", "taken back by operation 2")
        assert gone.ts == message.ts
        assert "Reverse the migrations" in gone.plain

        assert (await alice.command("/deploy history", channel="ops")).acked
        told = await alice.wait_for_ephemeral(text="brings back", channel="ops", timeout=30)
        assert "(v1.5.0)" in told.plain
        assert "taken back by operation 2" in told.plain
        await alice.click(told, "Roll back")
        await alice.wait_for_view(
            timeout=30, where=lambda each: "Rollback of deploy 2" in str(each.blocks)
        )

        assert (await alice.command("/deploy lock the mails are moved", channel="ops")).acked
        await slack.wait_for_message(channel="ops", text="grandvps is locked", timeout=30)
        carol = slack.person("U0CAROL001")
        assert (await carol.command("/deploy unlock", channel="ops")).acked
        told = await carol.wait_for_ephemeral(text="the mails are moved", channel="ops", timeout=30)
        await carol.click(told, "Unlock")
        stolen = await slack.wait_for_message(channel="ops", text="your lock of", timeout=30)
        assert "the mails are moved" in stolen.plain
