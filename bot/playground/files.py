"""Files: the two-step upload, and sharing that happens some time after it was asked for."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.playground.errors import JSON, SlackError
from bot.playground.workspace import Workspace


@dataclass(eq=False)
class File:
    """A file. `content` is None until its bytes have arrived; `shares` is channel ID → ts list."""

    id: str
    name: str
    length: int
    user: str
    title: str = ""
    alt_txt: str = ""
    content: bytes | None = None
    is_complete: bool = False
    created: int = 0
    shares: dict[str, list[str]] = field(default_factory=dict)


class Files:
    """All files by ID, and the one-time upload URLs that lead to them."""

    def __init__(self, workspace: Workspace, clock: Callable[[], float]) -> None:
        self._workspace = workspace
        self._clock = clock
        self._files: dict[str, File] = {}
        self._uploads: dict[str, str] = {}

    @property
    def complete(self) -> list[File]:
        """Files whose upload was completed, oldest first."""
        return [file for file in self._files.values() if file.is_complete]

    def reserve(self, name: str, length: int, user: str, alt_txt: str = "") -> tuple[File, str]:
        """A place for `length` bytes, and the path to send them to (no leading slash)."""
        file = File(self._workspace.new_id("F"), name, length, user, alt_txt=alt_txt)
        file.created = int(self._clock())
        key = secrets.token_urlsafe(18)
        self._files[file.id] = file
        self._uploads[key] = file.id
        return file, f"upload/v1/{key}"

    def receive(self, key: str, content: bytes) -> str:
        """Take a file's bytes and return Slack's answer. Raises KeyError, ValueError."""
        file = self._files[self._uploads[key]]
        if len(content) != file.length:
            raise ValueError(f"{file.length} bytes were announced, {len(content)} came")
        file.content = content
        del self._uploads[key]
        return f"OK - {len(content)}"

    def add(self, name: str, content: bytes, user: str) -> File:
        """A file that a person brings along, complete at once."""
        file, path = self.reserve(name, len(content), user)
        self.receive(path.rsplit("/", 1)[-1], content)
        return self.finish(file.id, name)

    def finish(self, file_id: str, title: str) -> File:
        """Complete an upload. Raises SlackError file_not_found."""
        file = self._files.get(file_id)
        if file is None or file.content is None or file.is_complete:
            raise SlackError("file_not_found")
        file.title = title or file.name
        file.is_complete = True
        return file

    def take_back(self, file: File) -> None:
        """Make a complete file of an earlier run one of these."""
        self._files[file.id] = file

    def find(self, file_id: str) -> File:
        """A completed file. Raises SlackError file_not_found."""
        file = self._files.get(file_id)
        if file is None or not file.is_complete:
            raise SlackError("file_not_found")
        return file

    def delete(self, file_id: str) -> File:
        """Forget a file. Raises SlackError file_not_found."""
        return self._files.pop(self.find(file_id).id)

    def json(self, file: File, base_url: str) -> JSON:
        """The file object of answers and messages."""
        workspace = self._workspace
        extension = file.name.rpartition(".")[2] if "." in file.name else ""
        full: JSON = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "filetype": extension,
            "user": file.user,
            "user_team": workspace.team_id,
            "size": file.length,
            "mode": "hosted",
            "is_external": False,
            "is_public": bool(file.shares),
            "url_private": f"{base_url}files-pri/{workspace.team_id}-{file.id}/{file.name}",
            "permalink": f"{base_url}files/{file.user}/{file.id}/{file.name}",
            "channels": list(file.shares),
            "shares": self._shares(file),
        }
        if file.alt_txt:
            full["alt_txt"] = file.alt_txt
        return full

    def _shares(self, file: File) -> JSON:
        shares: dict[str, dict[str, list[Any]]] = {}
        for channel_id, stamps in file.shares.items():
            channel = self._workspace.channels[channel_id]
            kind = "public" if channel.kind == "public_channel" else "private"
            shares.setdefault(kind, {})[channel_id] = [
                {"ts": ts, "channel_name": channel.name, "team_id": self._workspace.team_id}
                for ts in stamps
            ]
        return shares
