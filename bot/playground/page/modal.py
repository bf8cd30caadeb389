"""The modals before a person: the topmost of the stack, as a dialog over the page."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from bot.playground.modals import View
from bot.playground.page.blocks import Drawing
from bot.playground.page.confirm import on_dismissed
from bot.playground.page.elements.spot import GONE
from bot.playground.page.mrkdwn import replace_emoji
from bot.playground.page.tab import Tab
from bot.playground.page.tags import set_attributes, tag
from bot.playground.submitting import missing_fields

_OBJECTIONS = {
    "required": "This field is required",
    "too short": "This is too short",
    "too long": "This is too long",
    "no number": "This needs a number",
    "no whole number": "This needs a whole number",
    "too small": "This number is too small",
    "too large": "This number is too large",
    "no email": "This needs an email address",
    "no url": "This needs a URL that begins with http:// or https://",
}
_SUBMITTED = "(event) => { event.preventDefault(); emit(); }"


class _Form:
    """One view in the dialog: its title, its blocks, and the buttons below."""

    def __init__(self, view: View, tab: Tab, dialog: ui.element) -> None:
        self.view = view
        self.hash = ""  # of the version that is shown
        self._tab = tab
        self._form = tag("form", data_view=view.id, novalidate="", classes="bk-form")
        self._form.on("submit", self._submit, js_handler=_SUBMITTED)
        with self._form:
            with tag("header", classes="bk-dialog-head"):
                self._title = tag("h2", classes="bk-dialog-title", data_start="", tabindex="-1")
                leave = tag("button", "×", "bk-close", type="button", aria_label="Close")
                leave.on("click", lambda: self.close(everything=True), args=[])
            self._alert = tag("div", classes="bk-trouble", role="alert")
            with tag("div", classes="bk-dialog-body"):
                self._drawing = Drawing(view, tab)
            self._foot = tag("footer", classes="bk-dialog-foot")
        self._submit_button: ui.element | None = None
        set_attributes(dialog, aria_labelledby=self._title.html_id)
        self.refresh()

    def refresh(self) -> None:
        """Show the view as its app has it now."""
        definition, self.hash = self.view.definition, self.view.hash
        self._title.text = replace_emoji(self.view.title)
        self._alert.text = ""
        self._drawing.show(self.view)
        self._foot.clear()
        with self._foot:
            is_stacked = self.view.previous_id is not None
            words = definition.get("close", {}).get("text") or ("Back" if is_stacked else "Close")
            close = tag("button", replace_emoji(words), "bk-button", type="button")
            set_attributes(close, data_at=f"{self.view.id}/close")
            close.on("click", self.close, args=[])
            self._submit_button = None
            if submit := definition.get("submit"):
                words = replace_emoji(submit["text"])
                button = tag("button", words, "bk-button bk-button-primary", type="submit")
                set_attributes(button, data_at=f"{self.view.id}/submit")
                set_attributes(button, disabled=definition.get("submit_disabled"))
                self._submit_button = button

    async def close(self, *, everything: bool = False) -> None:
        """Leave this view for the one below it, or the whole stack."""
        try:
            await self._tab.person.close(self.view, everything=everything)
        except LookupError:
            self._tab.tell(GONE)

    async def _submit(self) -> None:
        button = self._submit_button
        if button is None or button.props.get("aria-busy") == "true":
            return
        self._alert.text = ""
        if missing := missing_fields(self.view):
            self._object({where: _OBJECTIONS.get(why, why) for where, why in missing.items()})
            return
        set_attributes(button, aria_busy=True)
        try:
            result = await self._tab.person.submit(self.view)
        except LookupError:
            self._tab.tell(GONE)
            return
        finally:
            if not button.is_deleted:
                set_attributes(button, aria_busy=False)
        if self._form.is_deleted:
            return
        if result.error:
            self._alert.text = self._trouble(result.error)
        elif result.errors:
            self._object(result.errors)

    def _object(self, errors: Mapping[str, str]) -> None:
        self._drawing.show(self.view, errors)
        count = len(errors)
        self._alert.text = f"{count} {'field needs' if count == 1 else 'fields need'} attention"

    def _trouble(self, error: str) -> str:
        app = self._tab.slack.workspace.bot.real_name
        if error == "connection_error":
            return f"{app} gave an answer that cannot be used. What you entered is still here."
        return f"{app} did not answer. What you entered is still here."


class Modals:
    """The person's modals over the page: `sync` shows the one that stands before them now.

    The focus stays in the dialog and returns to where it was; Esc leaves the topmost view.
    """

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._holder = tag("div", classes="bk-modals")
        self._dialog: ui.element | None = None
        self._form: _Form | None = None

    def sync(self) -> None:
        """Take in what the app has opened, updated and closed."""
        view = self._tab.slack.backend.views.top(self._tab.person.id)
        if view is None:
            if self._dialog is not None:
                self._holder.clear()
            self._dialog = self._form = None
        elif self._form is not None and self._form.view is view:
            if self._form.hash != view.hash:
                self._form.refresh()
        else:
            self._show(view)

    def _show(self, view: View) -> None:
        if self._dialog is None:
            with self._holder:
                self._dialog = tag("dialog", classes="bk-dialog bk-modal", data_modal="")
            on_dismissed(self._dialog, self._dismiss)
        self._dialog.clear()
        with self._dialog:
            self._form = _Form(view, self._tab, self._dialog)

    async def _dismiss(self) -> None:
        if self._form is not None:
            await self._form.close()
