"""Fields for files."""

from __future__ import annotations

from typing import Any

from nicegui.events import GenericEventArguments

from bot.playground.errors import SlackError
from bot.playground.page.elements.spot import Spot
from bot.playground.page.routes import upload_url
from bot.playground.page.tags import set_attributes, tag

_MOST = 10  # files that Slack takes where max_files says nothing
_UPLOADED = "(event) => emit(event.detail)"


class FileInput:
    """The browser's own file field; the page's script uploads what is chosen and tells of it.

    Until it has told, the form around it is not submitted (see uploads.js).
    """

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        self._most = int(spot.element.get("max_files", _MOST))
        kinds = ",".join(f".{each}" for each in spot.element.get("filetypes", ()))
        control = tag("input", classes="bk-file", type="file", multiple=self._most > 1)
        set_attributes(
            control,
            accept=kinds or None,
            data_upload=upload_url(spot.tab.person.id),
            data_most=self._most,
        )
        spot.name(control)
        control.on("uploaded", self._take, js_handler=_UPLOADED)
        self._control = control
        self._shown = tag("ul", classes="bk-files")
        tag("p", classes="bk-file-note", role="status")
        self._show()

    async def _take(self, event: GenericEventArguments) -> None:
        """Put the files that the browser has uploaded into the field, after those there are."""
        kept = self._spot.value if self._most > 1 else []
        found = [self._entry(str(each)) for each in event.args["ids"]]
        await self._set([*kept, *filter(None, found)][: self._most])

    def _entry(self, file_id: str) -> dict[str, Any] | None:
        try:
            file = self._spot.tab.slack.backend.files.find(file_id)
        except SlackError:  # deleted since
            return None
        return {"id": file.id, "name": file.name}

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
