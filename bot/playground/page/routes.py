"""What the page's server serves beside the page: uploaded files, to and fro."""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response

from bot.playground.errors import SlackError
from bot.playground.files import File
from bot.playground.page.opened import current_page

# Shown as pictures; anything else, SVG with its scripts included, is only ever saved.
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
MAX_UPLOAD = 100 << 20  # bytes


def add_routes(app: FastAPI) -> None:
    """Register the URLs."""
    app.get("/files/{file_id}")(download)
    app.post("/upload/{person}")(upload)


def file_url(file_id: str) -> str:
    """Where this page serves a file, relative to the page."""
    return f"/files/{quote(file_id)}"


def upload_url(person: str) -> str:
    """Where a person (by ID) sends files to, relative to the page; `?name=` is the file's."""
    return f"/upload/{quote(person)}"


def is_picture(name: str) -> bool:
    """Whether browsers are given the file to show, by its name."""
    return _picture_type(name) is not None


def _picture_type(name: str) -> str | None:
    return PICTURES.get(PurePath(name).suffix.lower())


async def download(file_id: str) -> Response:
    """A file's bytes, from memory: also while the local Slack itself is away."""
    file = _find(file_id)
    picture = _picture_type(file.name)
    disposition = "inline" if picture else "attachment"
    return Response(
        file.content or b"",
        media_type=picture or "application/octet-stream",
        headers={
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(file.name)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        },
    )


async def upload(person: str, name: str, request: Request) -> dict[str, str]:
    """Take a file that a person brings along; it is shared when their message names its ID.

    Only the page itself may send: what comes from another site is refused.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_UPLOAD:
            raise HTTPException(413)
    try:
        acting = current_page().slack.person(person)
    except KeyError:
        raise HTTPException(404) from None
    return {"id": (await acting.upload(name, bytes(content))).id}


def _find(file_id: str) -> File:
    try:
        return current_page().slack.backend.files.find(file_id)
    except (SlackError, LookupError):
        raise HTTPException(404) from None
