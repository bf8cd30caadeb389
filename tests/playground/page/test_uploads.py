"""Files chosen in a modal: none is lost, and nobody is left to guess what became of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from bot.playground import LocalSlack
from tests.playground.helpers import modal
from tests.playground.page.app import running_app
from tests.playground.page.conftest import OpenTab, window_opener
from tests.playground.page.gallery import field

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


def text(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="text/plain", buffer=name.encode())


async def ask_for_files(slack: LocalSlack, **more: Any) -> None:
    """A modal before Alice with one field for files."""
    form = modal(field("Evidence", "file_input", **more))
    slack.backend.views.open("U0ALICE001", form)


async def test_a_form_waits_for_its_files(
    slack: LocalSlack, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab()
    await ask_for_files(slack)
    arriving = asyncio.Event()

    async def slow(route: Route) -> None:
        await arriving.wait()
        await route.continue_()

    await page.route("**/upload/**", slow)
    form = page.get_by_role("dialog", name="Form")
    submit = form.get_by_role("button", name="Send")
    async with running_app(slack) as app:
        await form.get_by_label("Evidence").set_input_files([text("a.txt"), text("b.txt")])
        await expect(form.get_by_role("status")).to_have_text("Uploading…")
        await submit.click()
        await submit.press("Enter")
        await screenshot(page, "page-uploading")
        arriving.set()
        await expect(form.get_by_role("listitem")).to_have_text(["a.txt×", "b.txt×"])
        await expect(form.get_by_role("status")).to_have_count(0)
        assert app.heard_nothing
        await submit.click()
        values = (await app.heard())["view"]["state"]["values"]
    await page.unroute("**/upload/**")
    sent = values["Evidence"]["a"]["files"]
    assert [slack.file_bytes(each["id"]) for each in sent] == [b"a.txt", b"b.txt"]


async def test_what_was_not_uploaded_or_is_too_much_is_named(
    slack: LocalSlack, browser: Browser, url: str, screenshot: Screenshot
) -> None:
    opener = window_opener(browser, url)
    async with opener as open_tab:
        page = await open_tab()
        await ask_for_files(slack, max_files=2)
        await choose_too_many(page, screenshot)
        # Chromium's own word on the request that was lost, and no other.
        assert opener.errors == ["Failed to load resource: net::ERR_FAILED"]
        opener.errors.clear()


async def choose_too_many(page: Page, screenshot: Screenshot) -> None:

    async def lost(route: Route) -> None:
        await route.abort()

    form = page.get_by_role("dialog", name="Form")
    picker = form.get_by_label("Evidence")
    await page.route("**/upload/**name=a.txt", lost)
    await picker.set_input_files([text("a.txt"), text("b.txt"), text("c.txt")])
    await expect(form.get_by_role("status")).to_have_text(
        "a.txt was not uploaded. c.txt was left out: 2 at most"
    )
    await page.unroute("**/upload/**name=a.txt")
    await screenshot(page, "page-not-uploaded")
    await picker.set_input_files([text("d.txt"), text("e.txt"), text("f.txt")])
    await expect(form.get_by_role("status")).to_have_text("e.txt, f.txt were left out: 2 at most")
    await expect(form.get_by_role("listitem")).to_have_text(["b.txt×", "d.txt×"])
    await form.get_by_role("button", name="Remove b.txt").click()
    await expect(form.get_by_role("listitem")).to_have_text(["d.txt×"])


async def test_one_file_takes_the_place_of_another(slack: LocalSlack, open_tab: OpenTab) -> None:
    page = await open_tab()
    await ask_for_files(slack, max_files=1)
    form = page.get_by_role("dialog", name="Form")
    for name in ("first.txt", "second.txt"):
        await form.get_by_label("Evidence").set_input_files(text(name))
        await expect(form.get_by_role("listitem")).to_have_text([f"{name}×"])
