"""The app's Home in the browser: published, current, and used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import JSON, actions, button, section
from tests.playground.page.app import running_app
from tests.playground.page.conftest import OpenTab

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
ALICE = "U0ALICE001"
PAGE = "bot/playground/page/"


def home(*blocks: JSON) -> JSON:
    return {"type": "home", "blocks": list(blocks)}


async def test_home_is_published_and_used(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab("alice", "app-home")
    shown = page.get_by_role("region", name="Home")
    await expect(shown).to_contain_text("Opsbell has published nothing here yet.")
    row = actions(button("Back up", action_id="backup"))
    await client.views_publish(user_id=ALICE, view=home(section("All is well"), row))
    await expect(shown).to_contain_text("All is well")
    async with running_app(slack) as app:
        await shown.get_by_role("button", name="Back up").click()
        payload = await app.heard()
    assert payload["container"]["type"] == "view"
    assert (payload["view"]["type"], payload["actions"][0]["action_id"]) == ("home", "backup")
    await client.views_publish(user_id=ALICE, view=home(section("Backup is running"), row))
    await expect(shown).to_contain_text("Backup is running")
    bob = await open_tab("bob", "app-home")
    await expect(bob.get_by_text("Opsbell has published nothing here yet.")).to_be_visible()


def followers() -> set[asyncio.Task[Any]]:
    """What the page's own code has begun and not ended, apart from the tabs themselves."""
    return {
        task
        for task in asyncio.all_tasks()
        if PAGE in repr(task) and not task.get_name().startswith("tab of")
    }


async def test_visits_to_home_leave_nothing_behind(open_tab: OpenTab) -> None:
    page = await open_tab("alice", "app")
    tabs = page.get_by_role("group", name="App")
    before = followers()
    for _ in range(3):
        await tabs.get_by_role("link", name="Home").click()
        await expect(page.get_by_role("region", name="Home")).to_be_visible()
        await tabs.get_by_role("link", name="Messages").click()
        await expect(page.get_by_role("region", name="Home")).to_have_count(0)
    assert followers() <= before
