"""Fields for files."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.events import UploadEventArguments

from bot.playground.page.elements.spot import Spot
from bot.playground.page.tags import set_attributes, tag

_MOST = 10  # files that Slack takes where max_files says nothing


class FileInput:
    """The browser's own file field, which sends each file on to a hidden upload of the page."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        self._most = int(spot.element.get("max_files", _MOST))
        upload = ui.upload(on_upload=self._take)
        upload.classes("bk-away")
        set_attributes(upload, aria_hidden=True)
        kinds = ",".join(f".{each}" for each in spot.element.get("filetypes", ()))
        control = tag("input", classes="bk-file", type="file", multiple=self._most > 1)
        set_attributes(control, accept=kinds or None, data_upload=upload.props["url"])
        spot.name(control)
        self._control = control
        self._shown = tag("ul", classes="bk-files")
        self._show()

    async def _take(self, event: UploadEventArguments) -> None:
        content = await event.file.read()
        file = await self._spot.tab.person.upload(event.file.name, content)
        entry = {"id": file.id, "name": file.name}
        kept = self._spot.value if self._most > 1 else []
        if len(kept) < self._most:
            await self._set([*kept, entry])

    async def _remove(self, entry: dict[str, Any]) -> None:
        await self._set([each for each in self._spot.value if each["id"] != entry["id"]])

    async def _set(self, entries: list[dict[str, Any]]) -> None:
        await self._spot.act(self._control, entries)
        if not self._shown.is_deleted:
            self._show()

    def _show(self) -> None:
        self._shown.clear()
        with self._shown:
            for entry in self._spot.value:
                with tag("li", entry["name"]):
                    name = f"Remove {entry['name']}"
                    button = tag("button", "×", type="button", aria_label=name)
                button.on("click", lambda entry=entry: self._remove(entry), args=[])


def draw_file_input(spot: Spot) -> None:
    """A field for files."""
    FileInput(spot)
