"""Files: what people bring along, what the app shares, and what browsers are given."""

from __future__ import annotations

import mimetypes
import struct
import zlib
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from playwright.async_api import FilePayload, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.playground.page.routes import is_picture
from tests.playground.page.conftest import OpenTab
from tests.playground.page.pages import OPS, composer, message

pytestmark = [pytest.mark.needs("browser"), pytest.mark.asyncio(loop_scope="session")]
Screenshot = Callable[[Page, str], Awaitable[None]]


def picture(width: int = 320, height: int = 180) -> bytes:
    """A PNG of one colour running into another."""
    rows = b"".join(
        b"\0" + b"".join(bytes((x * 255 // width, y * 255 // height, 140)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + sum_

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


async def test_a_person_shares_a_file_and_a_picture(
    slack: LocalSlack, open_tab: OpenTab, screenshot: Screenshot
) -> None:
    page = await open_tab()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(
        [
            FilePayload(name="error.log", mimeType="text/plain", buffer=b"one\ntwo\n"),
            FilePayload(name="screen.png", mimeType="image/png", buffer=picture()),
        ]
    )
    staged = page.get_by_role("list", name="Files to send").get_by_role("listitem")
    await expect(staged).to_have_count(2)
    await composer(page).fill("What I see")
    await composer(page).press("Enter")
    row = message(page, "What I see")
    shown = row.get_by_role("img", name="screen.png")
    await expect(shown).to_be_visible()
    await expect(shown).to_have_js_property("naturalWidth", 320)
    await expect(row).to_contain_text("one two")
    await expect(row).to_contain_text("8 B")
    async with page.expect_download() as download:
        await row.get_by_role("link", name="Download error.log, 8 B").click()
    assert (await download.value).suggested_filename == "error.log"
    assert (await (await download.value).path()).read_bytes() == b"one\ntwo\n"
    (said,) = slack.messages("ops")
    assert (said.user, said.subtype, len(said.files)) == ("U0ALICE001", "file_share", 2)
    await screenshot(page, "page-files")


async def test_files_are_pasted_and_left_out_again(slack: LocalSlack, open_tab: OpenTab) -> None:
    page = await open_tab()
    await composer(page).evaluate(
        """box => {
            const data = new DataTransfer();
            data.items.add(new File(["a"], "kept.txt"));
            data.items.add(new File(["b"], "left.txt"));
            box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    await page.get_by_role("button", name="Leave out left.txt").click()
    await expect(composer(page)).to_be_focused()
    await composer(page).press("Enter")
    await expect(message(page, "kept.txt")).to_be_visible()
    assert [each["name"] for each in slack.messages("ops")[0].files] == ["kept.txt"]


async def test_the_apps_picture_says_what_it_shows(
    slack: LocalSlack, client: AsyncWebClient, open_tab: OpenTab
) -> None:
    page = await open_tab()
    await client.files_upload_v2(
        channel=OPS,
        content=picture(),
        filename="chart.png",
        title="Failed payments, last 6 hours",
        alt_txt="Failed payments rose to 22 at 14:05",
    )
    chart = page.get_by_role("img", name="Failed payments rose to 22 at 14:05")
    await expect(chart).to_be_visible()
    await slack.go_away()
    await page.reload()
    await expect(chart).to_have_js_property("naturalWidth", 320)


async def test_what_could_run_in_the_browser_is_only_saved(slack: LocalSlack, url: str) -> None:
    acting = slack.person("alice")
    evil = await acting.upload("evil.svg", b"<svg onload='alert(1)'/>")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}files/{evil.id}") as response:
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert response.headers["Content-Security-Policy"] == "sandbox"
        async with session.get(f"{url}files/F404") as response:
            assert response.status == 404


async def test_what_is_a_picture_does_not_depend_on_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_args: (None, None))
    assert all(map(is_picture, ("a.png", "b.JPG", "c.jpeg", "d.gif", "e.webp")))
    assert not any(map(is_picture, ("a.svg", "png", "a.png.html", "")))


async def test_only_the_page_itself_brings_files(slack: LocalSlack, url: str) -> None:
    async with aiohttp.ClientSession() as session:
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        target = f"{url}upload/U0ALICE001?name=a.txt"
        async with session.post(target, data=b"a", headers=elsewhere) as response:
            assert response.status == 403
        async with session.post(f"{url}upload/U404?name=a.txt", data=b"a") as response:
            assert response.status == 404
    assert slack.files == []
