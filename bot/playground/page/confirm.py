"""Confirmation dialogs: what a person is asked before something is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import Client, ui

from bot.playground.errors import JSON
from bot.playground.page import mrkdwn
from bot.playground.page.tags import html, tag
from bot.playground.workspace import Workspace

# A field for files inside a dialog has a cancel event of its own, which bubbles.
_OWN = """(event) => {
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    emit();
}"""


async def ask(confirm: JSON, client: Client, workspace: Workspace) -> bool:
    """Show a confirmation object over everything else; True if the person confirmed.

    The one answer that changes nothing has the focus where the other is styled as danger. If
    the browser goes away, the answer is no.
    """
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def settle(value: bool) -> None:
        if not answer.done():
            answer.set_result(value)

    client.on_delete(lambda: settle(False))
    with client.content:
        dialog = _dialog(confirm, workspace, settle)
    try:
        return await answer
    finally:
        if not dialog.is_deleted:
            dialog.delete()


def _dialog(confirm: JSON, workspace: Workspace, settle: Callable[[bool], None]) -> ui.element:
    dialog = tag("dialog", classes="bk-dialog bk-confirm", data_modal="")
    style = confirm.get("style", "primary")
    with dialog:
        title = tag("h2", confirm["title"]["text"], "bk-dialog-title")
        body = html(mrkdwn.text_html(confirm["text"], workspace), classes="bk-dialog-body bk-text")
        with tag("div", classes="bk-dialog-foot"):
            deny = tag("button", confirm["deny"]["text"], "bk-button", type="button")
            deny.on("click", lambda: settle(False), args=[])
            words = confirm["confirm"]["text"]
            go = tag("button", words, f"bk-button bk-button-{style}", type="button")
            go.on("click", lambda: settle(True), args=[])
    (deny if style == "danger" else go).props["data-autofocus"] = ""
    dialog.props["aria-labelledby"] = title.html_id
    dialog.props["aria-describedby"] = body.html_id
    on_dismissed(dialog, lambda: settle(False))
    return dialog


def on_dismissed(dialog: ui.element, handler: Callable[[], object]) -> None:
    """Call `handler` when a person leaves a dialog with Esc; the dialog itself stays."""
    dialog.on("cancel", handler, js_handler=_OWN)
    dialog.on("close", handler, js_handler=_OWN)
