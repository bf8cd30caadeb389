"""What a workspace remembers from one run to the next: its channels, messages and files.

A journal takes each change as a line at once, so that it holds everything also after a kill.
What people see for a moment only (ephemeral messages, modals) is not kept, as in Slack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TextIO

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
_NUMBER = re.compile(r"\d{10}$")


class Memory:
    """The memory of one workspace in a directory, entered with `with` once the Slack is served.

    `is_new` says whether there was nothing to remember. Entering gives the workspace back what
    it held; while entered, every change is written down.
    """

    def __init__(self, slack: LocalSlack, directory: Path) -> None:
        self._slack = slack
        self._journal = directory / "journal.jsonl"
        self._files = directory / "files"
        self._written: dict[str, JSON] = {}
        self.is_new = not self._journal.exists()

    def __enter__(self) -> Memory:
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        path = self._files / file_id
        found = [file for file in self._slack.files if file.id == file_id]
        if path.exists() or not found:
            return
        [file] = found
        path.write_bytes(file.content or b"")
        known = asdict(file)
        del known["content"]
        path.with_suffix(".json").write_text(json.dumps(known))

    def _write(self, line: JSON) -> None:
        self._out.write(f"{json.dumps(line)}\n")
        # Into the kernel's hands: what is there outlives this process, however it ends.
        self._out.flush()

    def _recall(self) -> None:
        workspace, backend = self._slack.workspace, self._slack.backend
        channels: dict[str, JSON] = {}
        messages: dict[tuple[str, str], JSON] = {}
        for line in self._lines():
            match line:
                case {"channel": known}:
                    channels[known["id"]] = known
                case {"message": known}:
                    messages[known["channel"], known["ts"]] = known
                case {"deleted": [channel_id, ts]}:
                    messages.pop((channel_id, ts), None)
        for known in channels.values():
            workspace.take_back(Channel(**(known | {"members": set(known["members"])})))
        for known in sorted(messages.values(), key=lambda each: ts_key(each["ts"])):
            workspace.channels[known["channel"]].add(_message(known))
        for path in sorted(self._files.glob("*.json")):
            content = path.with_suffix("").read_bytes()
            backend.files.take_back(File(**json.loads(path.read_text()), content=content))
        ids = [*workspace.channels, *(file.id for file in self._slack.files)]
        numbers = [int(found[0]) for each in ids if (found := _NUMBER.search(each))]
        workspace.continue_ids(max(numbers, default=0))

    def _lines(self) -> Iterator[JSON]:
        """What was written, with the addresses of now for those of then."""
        base_url = self._slack.backend.base_url
        before = base_url
        for text in self._journal.read_text().splitlines():
            try:
                line: JSON = json.loads(text.replace(before, base_url))
            except ValueError:
                continue  # cut off in the midst of writing
            if "base_url" in line:
                before = json.loads(text)["base_url"]
            yield line


def _message(known: JSON) -> Message:
    reactions = {name: tuple(users) for name, users in known["reactions"].items()}
    return Message(**(known | {"reactions": reactions, "files": tuple(known["files"])}))
