"""People talk in channels: what each sees, what is new, what stays where it was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from tests.playground.helpers import actions, button, section
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import ALERTS, OPS, composer, entry, message, send

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


async def test_two_windows_as_two_people(
    slack: LocalSlack, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    await expect(alice.get_by_role("button", name="Acting as Alice Adams, @ops")).to_be_visible()
    await send(composer(alice), "Is the site *slow*?")
    shown = message(bob, "Is the site slow?")
    await expect(shown).to_contain_text("Alice Adams")
    await expect(composer(alice)).to_have_value("")
    await send(composer(bob), "Looking into it, @alice")
    await expect(message(alice, "Looking into it, @alice")).to_contain_text("Bob Brown")
    assert [each.text for each in slack.messages("ops")] == [
        "Is the site *slow*?",
        "Looking into it, <@U0ALICE001>",
    ]
    await screenshot(alice, "page-conversation")


async def test_acting_as_someone_else(open_tab: OpenTab) -> None:
    page = await open_tab("alice", "alerts")
    await page.get_by_role("button", name="Acting as Alice Adams").click()
    eve = page.get_by_role("menuitem", name="Eve Evans no group")
    await expect(eve).to_be_visible()
    await page.get_by_role("menuitem", name="Carol Clark @admins").click()
    await expect(page.get_by_role("button", name="Acting as Carol Clark")).to_be_visible()
    await expect(page).to_have_url(re.compile("as=carol&channel=alerts"))


async def test_who_acts_as_someone_else_stays_where_they_are(open_tab: OpenTab) -> None:
    page = await open_tab("alice", "alerts")
    await entry(page, "support").click()
    await expect(composer(page, "#support")).to_be_visible()
    await page.get_by_role("button", name="Acting as Alice Adams").click()
    beside = page.get_by_role("link", name="Act as Bob Brown in a new tab")
    await expect(beside).to_have_attribute("href", "/?as=bob&channel=support")
    await page.get_by_role("menuitem", name="Carol Clark @admins").click()
    await expect(page.get_by_role("button", name="Acting as Carol Clark")).to_be_visible()
    await expect(page).to_have_url(re.compile("as=carol&channel=support"))


async def test_unread_marks_of_each_person(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    await client.chat_postMessage(channel=ALERTS, text="Disk at 71 %")
    await client.chat_postMessage(channel=ALERTS, text="<@U0ALICE001> disk at 91 %")
    await expect(entry(alice, "alerts, channel, 2 unread")).to_contain_text("1")
    await expect(entry(bob, "alerts, channel, 2 unread")).not_to_contain_text("1")
    await entry(alice, "alerts").click()
    await expect(message(alice, "Disk at 71 %")).to_be_visible()
    await expect(alice.get_by_text("New", exact=True)).to_be_visible()
    await expect(alice).to_have_url(re.compile("channel=alerts"))
    await expect(entry(alice, "alerts")).to_have_accessible_name("alerts, channel")
    await expect(entry(bob, "alerts, channel, 2 unread")).to_be_visible()
    await alice.go_back()
    await expect(composer(alice, "#ops")).to_be_visible()


async def test_an_ephemeral_message_is_seen_by_one_person(
    client: AsyncWebClient, open_tab: OpenTab
) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    text = "Not restored: needs an admin's approval."
    await client.chat_postEphemeral(channel=OPS, user="U0ALICE001", text=text)
    await client.chat_postMessage(channel=OPS, text="For all")
    await expect(message(alice, text)).to_contain_text("Only visible to you")
    await expect(message(bob, "For all")).to_be_visible()
    await expect(message(bob, text)).to_have_count(0)


async def test_an_update_redraws_its_own_message_and_nothing_else(
    client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    for number in range(50):
        await client.chat_postMessage(channel=OPS, text=f"Line {number}")
    blocks = [section("Step 1 of 9"), actions(button("Cancel", action_id="cancel"))]
    for number, block in enumerate(blocks):
        block["block_id"] = f"block-{number}"
    sent = await client.chat_postMessage(channel=OPS, text="Deploy", blocks=blocks)
    await expect(message(page, "Step 1 of 9")).to_be_in_viewport()
    other = message(page, "Line 12").first
    await other.evaluate("row => row.mark = 'untouched'")
    await other.scroll_into_view_if_needed()
    await composer(page).fill("half a thou")
    cancel = page.get_by_role("button", name="Cancel")
    await cancel.evaluate("button => button.focus({preventScroll: true})")
    box = page.get_by_role("region", name="Messages in ops")
    before = await box.evaluate("box => box.scrollTop")
    for step in range(2, 6):
        blocks[0] = {**blocks[0], "text": {"type": "mrkdwn", "text": f"Step {step} of 9"}}
        await client.chat_update(channel=OPS, ts=sent["ts"], text="Deploy", blocks=blocks)
    await client.chat_postMessage(channel=OPS, text="One more below")
    await expect(message(page, "Step 5 of 9")).to_have_count(1)
    await expect(page.get_by_role("button", name="New messages")).to_be_visible()
    assert await other.evaluate("row => row.mark") == "untouched"
    assert await box.evaluate("box => box.scrollTop") == before
    await expect(cancel).to_be_focused()
    await expect(composer(page)).to_have_value("half a thou")
    await page.get_by_role("button", name="New messages").click()
    await expect(message(page, "One more below")).to_be_in_viewport()
    await client.chat_postMessage(channel=OPS, text="And another")
    await expect(message(page, "And another")).to_be_in_viewport()


async def test_what_happens_to_messages_is_seen_at_once(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    sent = await client.chat_postMessage(channel=OPS, text="First wording")
    await expect(message(page, "First wording")).to_contain_text("APP")
    await client.chat_update(channel=OPS, ts=sent["ts"], text="Second wording")
    row = message(page, "Second wording")
    await expect(row).to_contain_text("(edited)")
    await row.hover()
    await row.get_by_role("button", name="React with eyes").click()
    mine = row.get_by_role("button", name="eyes, Alice Adams")
    await expect(mine).to_have_attribute("aria-pressed", "true")
    assert slack.messages("ops")[0].reactions == {"eyes": ("U0ALICE001",)}
    await mine.click()
    await expect(mine).to_have_count(0)
    await client.chat_delete(channel=OPS, ts=sent["ts"])
    await expect(row).to_have_count(0)


async def test_earlier_messages_come_on_demand_and_nothing_jumps(
    slack: LocalSlack, open_tab: OpenTab
) -> None:
    for number in range(80):
        await slack.person("bob").say(f"Entry {number:02}", "ops")
    page = await open_tab()
    await expect(message(page, "Entry 79")).to_be_in_viewport()
    await expect(message(page, "Entry 19")).to_have_count(0)
    top = message(page, "Entry 20")
    await top.scroll_into_view_if_needed()
    before = await top.bounding_box()
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(message(page, "Entry 19")).to_have_count(1)
    assert before is not None
    async with asyncio.timeout(30):
        # The name above a group may come or go.
        while not (after := await top.bounding_box()) or abs(after["y"] - before["y"]) >= 40:
            await asyncio.sleep(0.05)


async def test_a_channel_made_by_the_app_can_be_joined(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    made = (await client.conversations_create(name="inc-42"))["channel"]["id"]
    await client.chat_postMessage(channel=made, text="SEV1 Payments are failing")
    await entry(page, "inc-42").click()
    await expect(message(page, "SEV1 Payments are failing")).to_be_visible()
    await page.get_by_role("button", name="Join channel").click()
    await send(composer(page, "#inc-42"), "On it")
    await expect(message(page, "On it")).to_be_visible()
    assert "U0ALICE001" in slack.workspace.channels[made].members
    await client.conversations_setTopic(channel=made, topic="Half of all card payments fail")
    await expect(page.get_by_role("main").locator("header")).to_contain_text("Half of all card")
    await client.conversations_archive(channel=made)
    await expect(page.get_by_text("#inc-42 is archived.")).to_be_visible()


async def test_a_private_channel_is_seen_by_its_members(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    alice, bob = await open_tab("alice"), await open_tab("bob")
    made = await client.conversations_create(name="secret", is_private=True)
    await client.conversations_invite(channel=made["channel"]["id"], users=["U0ALICE001"])
    await expect(entry(alice, "secret, private channel")).to_be_visible()
    await expect(entry(bob, "secret")).to_have_count(0)


async def test_what_was_written_is_never_markup(slack: LocalSlack, open_tab: OpenTab) -> None:
    page = await open_tab()
    evil = "<img src=x onerror=document.title='owned'>"
    await send(composer(page), evil)
    await expect(message(page, evil)).to_be_visible()
    slack.workspace.find_person("bob").real_name = evil
    await slack.person("bob").say("Hello", "ops")
    await expect(message(page, "Hello")).to_contain_text(evil)
    assert await page.locator("img[src=x]").count() == 0
