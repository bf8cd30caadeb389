"""People talk in channels: what each sees, what is new, what stays where it was."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import section
from tests.playground.page.conftest import OpenTab

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
OPS, ALERTS = "C0OPS00001", "C0ALERTS01"


def composer(page: Page, channel: str = "#ops") -> Locator:
    return page.get_by_role("textbox", name=f"Message {channel}", exact=True)


async def test_two_windows_as_two_people(slack: LocalSlack, open_tab: OpenTab) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    await expect(alice.get_by_role("button", name="Acting as Alice Adams, @ops")).to_be_visible()
    await composer(alice).fill("Is the site *slow*?")
    await composer(alice).press("Enter")
    article = bob.get_by_role("article").filter(has_text="Is the site slow?")
    await expect(article).to_contain_text("Alice Adams")
    await expect(composer(alice)).to_have_value("")
    (message,) = slack.messages("ops")
    assert (message.user, message.text) == ("U0ALICE001", "Is the site *slow*?")
