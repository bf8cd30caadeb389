"""files.*: the two-step upload and what follows it."""

from __future__ import annotations

import asyncio

from bot.playground.api.method import Method
from bot.playground.backend import Backend
from bot.playground.errors import JSON, SlackError
from bot.playground.files import File
from bot.playground.validation.messages import check_message
from bot.playground.wire import Args
from bot.playground.workspace import Channel

SHARE_DELAY = 0.05  # seconds until a completed upload shows in its channel
ALT_TEXT = 1000  # characters


def reserve(backend: Backend, args: Args) -> JSON:
    args.require("filename", "length")
    length = args.number("length", 0)
    if length < 1:
        raise SlackError.invalid_arguments("must be greater than 0 [json-pointer:/length]")
    if len(args.text("alt_txt")) > ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    file, path = backend.files.reserve(
        args.text("filename"), length, backend.bot_id, args.text("alt_txt")
    )
    return {"upload_url": f"{backend.base_url}{path}", "file_id": file.id}


def complete(backend: Backend, args: Args) -> JSON:
    args.require("files")
    asked = args.structure("files", "invalid_arguments")
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise SlackError.invalid_arguments("must provide an array [json-pointer:/files]")
    thread_ts = args.text("thread_ts") or None
    targets = [
        _target(backend, channel_id, thread_ts)
        for channel_id in [args.text("channel_id"), *args.names("channels")]
        if channel_id
    ]
    if "blocks" in args:
        check_message(args.structure("blocks", "invalid_blocks_format"))
    files = [
        backend.files.finish(str(each.get("id", "")), str(each.get("title") or ""))
        for each in asked
    ]
    for channel in targets:
        share = _share_later(backend, files, channel, thread_ts, args.text("initial_comment"))
        backend.dispatcher.spawn(share)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _target(backend: Backend, channel_id: str, thread_ts: str | None) -> Channel:
    channel = backend.channel(channel_id, member=True, active=True)
    if thread_ts and thread_ts not in channel.messages:
        raise SlackError("thread_not_found")
    return channel


async def _share_later(
    backend: Backend, files: list[File], channel: Channel, thread_ts: str | None, text: str
) -> None:
    """Slack shares some time after it answered; the answer carries no message."""
    await asyncio.sleep(SHARE_DELAY)
    backend.share(files, channel, thread_ts, text)


def info(backend: Backend, args: Args) -> JSON:
    args.require("file")
    file = backend.files.find(args.text("file"))
    return {"file": backend.files.json(file, backend.base_url), "comments": []}


def delete(backend: Backend, args: Args) -> JSON:
    args.require("file")
    file = backend.files.find(args.text("file"))
    if file.user != backend.bot_id:
        raise SlackError("cant_delete_file")
    backend.files.delete(file.id)
    return {}


METHODS = (
    Method("files.getUploadURLExternal", reserve, "4", ("files:write",)),
    Method("files.completeUploadExternal", complete, "4", ("files:write",)),
    Method("files.info", info, "4", ("files:read",)),
    Method("files.delete", delete, "3", ("files:write",)),
)
