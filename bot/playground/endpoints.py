"""What Slack serves beside the Web API: response_urls, uploads and downloads."""

from __future__ import annotations

import json

from aiohttp import web

from bot.playground.backend import Backend
from bot.playground.errors import SlackError
from bot.playground.fault_gate import FaultGate


class Endpoints:
    """The handlers of these URLs; faults strike them by the names response_url and upload."""

    def __init__(self, backend: Backend, gate: FaultGate) -> None:
        self._backend = backend
        self._gate = gate

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the URLs."""
        respond = self._gate.guard("response_url", self._respond)
        router.add_post("/response/{team}/{key}", respond)
        router.add_post("/upload/v1/{key}", self._gate.guard("upload", self._upload))
        router.add_get("/files-pri/{file}/{name}", self._download)

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
            self._backend.response_urls.use(request.match_info["key"], body)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        except SlackError as refusal:
            status = 404 if refusal.code in ("Expired url", "used_url") else 400
            return web.json_response(refusal.body(), status=status)
        return web.Response(text="ok")

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            content = await _uploaded(request)
            answer = self._backend.files.receive(request.match_info["key"], content)
        except KeyError:
            return web.Response(status=404, text="not found")
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(text=answer)

    async def _download(self, request: web.Request) -> web.Response:
        token = self._backend.workspace.app.bot_token
        if request.headers.get("Authorization") != f"Bearer {token}":
            return web.Response(status=403)
        try:
            file = self._backend.files.find(request.match_info["file"].rpartition("-")[2])
        except SlackError:
            return web.Response(status=404)
        return web.Response(body=file.content)


async def _uploaded(request: web.Request) -> bytes:
    """The bytes of an upload: the raw body, or the one file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    raise ValueError("no file in the form")
