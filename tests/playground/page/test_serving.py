"""The page's server: started as often as wanted, ended at once, honest about a taken port."""

from __future__ import annotations

import asyncio
import socket
import time

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from bot.playground import LocalSlack, Workspace
from bot.playground.page import open_page
from tests.playground.page.conftest import window_opener
from tests.playground.page.pages import message

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]


async def test_a_taken_port_is_named(slack: LocalSlack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 cannot be listened on"):
            async with open_page(slack, port=port):
                pass
    async with open_page(slack, port=port) as url:
        assert url == f"http://127.0.0.1:{port}/"


async def test_one_after_another_each_shows_its_own_workspace(browser: Browser) -> None:
    for name in ("First", "Second"):
        workspace = Workspace.sample()
        workspace.name = name
        async with (
            LocalSlack(workspace) as slack,
            open_page(slack, port=0) as url,
            window_opener(browser, url) as open_tab,
        ):
            await slack.person("bob").say(f"In the {name}", "ops")
            page = await open_tab()
            await expect(message(page, f"In the {name}")).to_be_visible()
            await expect(page.get_by_role("navigation")).to_contain_text(name)
            await expect(page).to_have_title(f"#ops · {name}")


async def test_two_at_once_are_refused(slack: LocalSlack, url: str) -> None:
    with pytest.raises(RuntimeError, match="a page is open in this process already"):
        async with open_page(slack, port=0):
            pass
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200


async def test_open_browsers_do_not_delay_the_end(slack: LocalSlack, browser: Browser) -> None:
    before = {task for task in asyncio.all_tasks() if not task.done()}
    opening = open_page(slack, port=0)
    url = await opening.__aenter__()
    opener = window_opener(browser, url)
    open_tab = await opener.__aenter__()
    pages = [await open_tab("alice"), await open_tab("bob")]
    started = time.monotonic()
    await opening.__aexit__(None, None, None)
    assert time.monotonic() - started < 30
    left = {task for task in asyncio.all_tasks() if not task.done()} - before
    assert not [task for task in left if "tab of" in task.get_name()]
    for page in pages:
        await page.close()
    opener.errors.clear()  # the browsers say that their connection is lost, as they should
    await opener.__aexit__(None, None, None)


async def test_nothing_is_fetched_from_elsewhere(slack: LocalSlack, browser: Browser) -> None:
    async with open_page(slack, port=0) as url, window_opener(browser, url) as open_tab:
        await slack.person("bob").say("Hello", "ops")
        page = await open_tab()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.reload()
        await expect(message(page, "Hello")).to_be_visible()
        outside = [each for each in asked if not each.startswith((url, "data:", "blob:"))]
        assert outside == []
        assert len(asked) > 5
