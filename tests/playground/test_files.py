"""The two-step upload, and sharing that comes later."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.playground.api import files
from tests.playground.helpers import error_of

OPS = "C0OPS00001"


async def reserved(client: AsyncWebClient, length: int = 3) -> tuple[str, str]:
    answer = await client.files_getUploadURLExternal(filename="a.txt", length=length)
    return str(answer["file_id"]), str(answer["upload_url"])


async def test_the_bytes_must_be_as_many_as_announced(
    slack: LocalSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    file_id, url = await reserved(client)
    async with session.post(url, data=b"ab") as response:
        assert response.status == 400
    complete = client.files_completeUploadExternal(files=[{"id": file_id, "title": "A"}])
    assert await error_of(complete) == "file_not_found"
    async with session.post(url, data=b"abc") as response:
        assert (response.status, await response.text()) == (200, "OK - 3")
    async with session.post(url, data=b"abc") as response:
        assert response.status == 404
    await client.files_completeUploadExternal(files=[{"id": file_id, "title": "A"}])
    (file,) = slack.files
    assert (file.title, slack.file_bytes(file)) == ("A", b"abc")


async def test_a_form_will_do_too(
    slack: LocalSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    file_id, url = await reserved(client)
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.txt")
    async with session.post(url, data=form) as response:
        assert await response.text() == "OK - 3"
    await client.files_completeUploadExternal(files=[{"id": file_id}])
    assert slack.file_bytes(file_id) == b"abc"


async def test_sharing_comes_after_the_answer(
    slack: LocalSlack,
    client: AsyncWebClient,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, share_later = asyncio.Event(), files._share_later

    async def share(*what: Any) -> None:
        await looked.wait()
        await share_later(*what)

    monkeypatch.setattr(files, "_share_later", share)
    file_id, url = await reserved(client)
    await session.post(url, data=b"abc")
    answer = await client.files_completeUploadExternal(
        files=[{"id": file_id}], channel_id=OPS, initial_comment="Here"
    )
    assert answer["files"] == [{"id": file_id, "title": "a.txt"}]
    assert (await client.files_info(file=file_id))["file"]["shares"] == {}
    looked.set()
    message = await slack.wait_for_message("ops", "Here")
    assert (message.subtype, message.metadata) == ("file_share", None)
    shares = (await client.files_info(file=file_id))["file"]["shares"]
    assert [share["ts"] for share in shares["public"][OPS]] == [message.ts]


async def test_refusals(client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    empty = client.files_getUploadURLExternal(filename="a.txt", length=0)
    assert await error_of(empty) == "invalid_arguments"
    file_id, url = await reserved(client)
    await session.post(url, data=b"abc")
    for channel, error in (("C0GENERAL1", "not_in_channel"), ("C0", "channel_not_found")):
        call = client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=channel)
        assert await error_of(call) == error
    missing = client.api_call("files.completeUploadExternal", params={"files": json.dumps("x")})
    assert await error_of(missing) == "invalid_arguments"
    assert await error_of(client.files_info(file="F0")) == "file_not_found"
    long = client.files_getUploadURLExternal(filename="a.png", length=1, alt_txt="x" * 1001)
    assert await error_of(long) == "alt_txt_too_large"
    unthreaded = client.files_completeUploadExternal(
        files=[{"id": file_id}], channel_id=OPS, thread_ts="1.000001"
    )
    assert await error_of(unthreaded) == "thread_not_found"


async def test_reading_and_deleting(
    slack: LocalSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    file_id, url = await reserved(client)
    await session.post(url, data=b"abc")
    await client.files_completeUploadExternal(files=[{"id": file_id}])
    private = (await client.files_info(file=file_id))["file"]["url_private"]
    async with session.get(private) as response:
        assert response.status == 403
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with session.get(private, headers=headers) as response:
        assert await response.read() == b"abc"
    await client.files_delete(file=file_id)
    assert slack.files == []
    theirs = await slack.person("alice").upload("b.txt", b"b")
    assert await error_of(client.files_delete(file=theirs.id)) == "cant_delete_file"
