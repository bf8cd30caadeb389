"""What a workspace remembers from one run to the next: its channels, messages and files.

A journal takes each change as a line at once, so that it holds everything also after a kill.
What cannot be read, as another release may have written it, is passed over.
What people see for a moment only (ephemeral messages, modals) is not kept, as in Slack.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO, TypeVar

from bot.playground.errors import JSON
from bot.playground.files import File
from bot.playground.message import Message, ts_key
from bot.playground.server import LocalSlack
from bot.playground.workspace import Channel

_NOT_KEPT = {"previous", "ephemeral_for"}
_MESSAGE = tuple(each.name for each in fields(Message) if each.name not in _NOT_KEPT)
_CHANNEL = (
    *("id", "name", "kind", "members", "creator", "created", "topic", "purpose"),
    *("archived", "is_general", "pins", "bookmarks"),
)
_FILE = tuple(each.name for each in fields(File) if each.name != "content")
_NUMBER = re.compile(r"^[A-Z](\d{10})\b")

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Memory:
    """The memory of one workspace in a directory, entered with `with` once the Slack is served.

    `is_new` says whether there was nothing to remember. Entering gives the workspace back what
    it held; while entered, every change is written down. Entering raises OSError where the
    directory cannot be used.
    """

    def __init__(self, slack: LocalSlack, directory: Path) -> None:
        self._slack = slack
        self._journal = directory / "journal.jsonl"
        self._files = directory / "files"
        self._written: dict[str, JSON] = {}
        self._kept: set[str] = set()
        self.is_new = not self._journal.exists()

    def __enter__(self) -> Memory:
        self._journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files.mkdir(mode=0o700, exist_ok=True)
        if not self.is_new:
            self._recall()
        new = self._journal.with_suffix(".new")
        self._out: TextIO = new.open("w")
        self._write({"base_url": self._slack.backend.base_url})
        for channel in self._slack.workspace.channels.values():
            self._write_channel(channel)
            for message in sorted(channel.messages.values(), key=lambda each: ts_key(each.ts)):
                self._write_message(message)
        new.replace(self._journal)
        self._forget = self._slack.backend.changes.listen(self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._forget()
        for channel in self._slack.workspace.channels.values():
            self._write_channel(channel)
        self._out.close()

    def _note(self, changed: Any) -> None:
        if not isinstance(changed, Message) or changed.ephemeral_for is not None:
            return
        channel = self._slack.workspace.channels[changed.channel]
        self._write_channel(channel)
        if changed.ts in channel.messages:
            self._write_message(channel.messages[changed.ts])
        else:
            self._write({"deleted": [channel.id, changed.ts]})

    def _write_channel(self, channel: Channel) -> None:
        known = {name: getattr(channel, name) for name in _CHANNEL}
        known["members"] = sorted(channel.members)
        # A copy: what is in the channel changes in place.
        known = json.loads(json.dumps(known))
        if self._written.get(channel.id) != known:
            self._written[channel.id] = known
            self._write({"channel": known})

    def _write_message(self, message: Message) -> None:
        for shared in message.files:
            self._write_file(str(shared["id"]))
        self._write({"message": {name: getattr(message, name) for name in _MESSAGE}})

    def _write_file(self, file_id: str) -> None:
        found = [file for file in self._slack.files if file.id == file_id]
        if file_id in self._kept or not found:
            return
        [file] = found
        # Its description last: where that stands, the whole file does.
        _write_whole(self._files / file_id, file.content or b"")
        known = {name: getattr(file, name) for name in _FILE}
        _write_whole(self._files / f"{file_id}.json", json.dumps(known).encode())
        self._kept.add(file_id)

    def _write(self, line: JSON) -> None:
        self._out.write(f"{json.dumps(line)}\n")
        # Into the kernel's hands: what is there outlives this process, however it ends.
        self._out.flush()

    def _recall(self) -> None:
        channels: dict[str, JSON] = {}
        messages: dict[tuple[str, str], JSON] = {}
        for line in self._lines():
            match line:
                case {"channel": {"id": str(id_)} as known}:
                    channels[id_] = known
                case {"message": {"channel": str(channel_id), "ts": str(ts)} as known}:
                    messages[channel_id, ts] = known
                case {"deleted": [str(channel_id), str(ts)]}:
                    messages.pop((channel_id, ts), None)
        workspace = self._slack.workspace
        for file in _readable(self._file, sorted(self._files.glob("*.json"))):
            self._slack.backend.files.take_back(file)
            self._kept.add(file.id)
        for channel in _readable(_channel, channels.values()):
            workspace.take_back(channel)
        found = list(_readable(self._message, messages.values()))
        for message in sorted(found, key=lambda each: ts_key(each.ts)):
            workspace.channels[message.channel].add(message)
        # Also above what could not be read: an ID is never given to something else.
        ids = [*workspace.channels, *(path.name for path in self._files.iterdir())]
        numbers = [int(number[1]) for each in ids if (number := _NUMBER.search(each))]
        workspace.continue_ids(max(numbers, default=0))

    def _file(self, path: Path) -> File:
        known = json.loads(path.read_bytes())
        content = path.with_suffix("").read_bytes()
        file = File(**_only(_FILE, known), content=content)
        if len(content) != file.length:
            raise ValueError("it was cut off")
        return file

    def _message(self, known: JSON) -> Message:
        """A message without the files that are lost."""
        if known["channel"] not in self._slack.workspace.channels:
            raise ValueError("its channel is lost")
        ts_key(known["ts"])  # it must be one
        reactions = {name: tuple(users) for name, users in known["reactions"].items()}
        files = tuple(each for each in known["files"] if each["id"] in self._kept)
        return Message(**(_only(_MESSAGE, known) | {"reactions": reactions, "files": files}))

    def _lines(self) -> Iterator[JSON]:
        """What was written, with the addresses of now for those of then."""
        base_url = self._slack.backend.base_url
        before = base_url
        for text in self._journal.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text.replace(before, base_url))
            except ValueError:
                continue  # cut off in the midst of writing
            if not isinstance(line, dict):
                continue
            if "base_url" in line:
                before = str(json.loads(text)["base_url"]) or before
            yield line


def _channel(known: JSON) -> Channel:
    return Channel(**(_only(_CHANNEL, known) | {"members": set(known["members"])}))


def _only(names: Iterable[str], known: JSON) -> JSON:
    """What of it has a place in this release."""
    return {name: known[name] for name in names if name in known}


def _readable(read: Callable[[Any], T], whole: Iterable[Any]) -> Iterator[T]:
    """What can be read of it."""
    for each in whole:
        try:
            yield read(each)
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            logger.warning("passed over in the workspace's memory: %s: %r", str(each)[:120], error)


def _write_whole(path: Path, content: bytes) -> None:
    """Writes the file so that it is there whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
