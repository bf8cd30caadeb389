"""Keeping a part of the page current with the workspace for as long as its browser is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import background_tasks, context
from nicegui.logging import log

from bot.playground.changes import Changes


def follow(
    changes: Changes, concerns: Callable[[object], bool], refresh: Callable[[], None]
) -> None:
    """Call `refresh`, in the current page's context, after every change that `concerns` it.

    Changes that come together are drawn together. It ends when the browser has left for good.
    """
    client = context.client
    stirred = asyncio.Event()

    def note(changed: object) -> None:
        if concerns(changed):
            stirred.set()

    async def keep_up() -> None:
        while True:
            await stirred.wait()
            stirred.clear()
            with client:
                try:
                    refresh()
                except Exception:  # noqa: BLE001 - one view that cannot be drawn must not end the watching
                    log.exception("A view could not be brought up to date")

    client.on_delete(changes.listen(note))
    task = background_tasks.create(keep_up(), name=refresh.__qualname__)
    client.on_delete(lambda: task.cancel())
