"""A browser for the whole run, a local Slack with its page for each test, and tabs in it.

Tests of the page run in the session's event loop, in which the browser lives:
`pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]`.
"""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack, SlashCommand
from bot.playground.page import listen, open_page

ARTEFACTS = Path(__file__).parents[3] / "artefacts"
CHROMIUM = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
DESK: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "timezone_id": "Europe/Berlin",
    "locale": "en-GB",
}
PATIENCE = 30_000  # milliseconds that the browser waits for what is expected

COMMANDS = (
    SlashCommand("/backup", "Take backups and look at them", "now | list | show ID"),
    SlashCommand("/checklist", "Post, follow and look back on checklists", "list | post NAME"),
    SlashCommand("/opsbell", "Help, and how Opsbell itself is", "help [COMMAND] | status"),
)
_CONTEXTS: dict[Browser, dict[str, BrowserContext]] = {}


class OpenTab(Protocol):
    """Opens a browser window of its own as a person, in a channel (`app`, `app-home`)."""

    def __call__(
        self, person: str = "alice", channel: str = "ops", **context: Any
    ) -> Awaitable[Page]: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        path = shutil.which("chromium")
        opened = await playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield opened
        await opened.close()


@pytest.fixture
def ack_timeout() -> float:
    """Seconds that an app has for an ack: what a browser does meanwhile may take its time."""
    return PATIENCE / 1000


@pytest_asyncio.fixture(loop_scope="session")
async def slack(ack_timeout: float) -> AsyncIterator[LocalSlack]:
    """A local Slack that knows three commands."""
    async with LocalSlack(
        rate_limits=False,
        retry_delays=(0.0, 0.02, 0.02),
        commands=COMMANDS,
        ack_timeout=ack_timeout,
    ) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def client(slack: LocalSlack) -> AsyncWebClient:
    """Slack's own client with the bot's token."""
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture(scope="session")
def listening() -> Iterator[socket.socket]:
    """A port held by all tests in turn: browsers keep what they loaded from it."""
    with listen(0) as held:
        yield held


@pytest_asyncio.fixture(loop_scope="session")
async def url(slack: LocalSlack, listening: socket.socket) -> AsyncIterator[str]:
    """The page of the local Slack."""
    async with open_page(slack, port=listening) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(browser: Browser, url: str) -> AsyncIterator[OpenTab]:
    """Opens windows on the page; fails the test for errors in any browser console."""
    async with window_opener(browser, url) as opener:
        yield opener


class window_opener:  # noqa: N801 - used like the context managers of contextlib
    """`async with window_opener(browser, url) as open_tab`, for a page opened by the test."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._pages: list[Page] = []
        self.errors: list[str] = []

    async def __aenter__(self) -> OpenTab:
        return self._open

    async def __aexit__(self, *_exc: object) -> None:
        for page in self._pages:
            await page.close()
        assert self.errors == []

    async def _open(self, person: str = "alice", channel: str = "ops", **context: Any) -> Page:
        page = await (await self._context(DESK | context)).new_page()
        self._pages.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        await page.goto(f"{self._url}?as={person}&channel={channel}")
        await page.locator("main header h1").wait_for()
        return page

    async def _context(self, options: dict[str, Any]) -> BrowserContext:
        """A browser profile with these options, shared by all tests that ask for the same."""
        known: dict[str, BrowserContext] = _CONTEXTS.setdefault(self._browser, {})
        key = repr(sorted(options.items()))
        if key not in known:
            known[key] = await self._browser.new_context(**options)
            known[key].set_default_timeout(PATIENCE)
        return known[key]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@pytest.fixture(autouse=True)
def no_server_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test during which the page's server logged an error."""
    yield
    found = [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR]
    assert [each.getMessage() for each in found] == []


@pytest.fixture(scope="session")
def screenshot() -> Callable[[Page, str], Awaitable[None]]:
    """Keeps a picture of the page under `artefacts/`, to be looked at."""

    async def take(page: Page, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        await page.screenshot(path=ARTEFACTS / f"{name}.png")

    return take
