"""Menus with a field to search in: those the app fills, and those for several choices."""

from __future__ import annotations

from typing import Any

from nicegui.events import GenericEventArguments

from bot.playground.page.elements.options import Group, Option, app_groups, groups_of, words_of
from bot.playground.page.elements.spot import Spot
from bot.playground.page.mrkdwn import replace_emoji
from bot.playground.page.tags import set_attributes, tag

_LEAST_TYPED = 3  # characters before Slack asks an app, unless min_query_length says otherwise


class Search:
    """A combobox: what is chosen, a field to type in, and the list of what fits."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        self._is_multi = spot.element["type"].startswith("multi_")
        self._is_external = "external" in spot.element["type"]
        self._typed = ""
        with tag("div", classes="bk-search"):
            self._chosen = tag("div", classes="bk-chips")
            self._field = tag("input", classes="bk-input", type="text", role="combobox")
            self._list = tag("div", classes="bk-options", role="listbox")
        spot.name(self._field, spot.placeholder or "Search")
        set_attributes(
            self._field,
            placeholder=spot.placeholder or None,
            autocomplete="off",
            aria_autocomplete="list",
            aria_controls=self._list.html_id,
        )
        set_attributes(self._list, aria_label="What fits", aria_multiselectable=self._is_multi)
        typed = "(event) => emit(event.target.value)"
        self._field.on("input", self._search, js_handler=typed, throttle=0.2, leading_events=False)
        self._field.on("focus", self._search, js_handler=typed)
        self._show_chosen()

    @property
    def _values(self) -> list[Any]:
        value = self._spot.value
        if self._is_multi:
            return list(value)
        return [] if value is None else [value]

    def _show_chosen(self) -> None:
        self._chosen.clear()
        with self._chosen:
            for value in self._values:
                words = replace_emoji(words_of(self._spot, value))
                with tag("span", words, "bk-chip"):
                    button = tag("button", "×", type="button", aria_label=f"Remove {words}")
                button.on("click", lambda value=value: self._remove(value), args=[])

    async def _search(self, event: GenericEventArguments) -> None:
        self._typed = str(event.args)
        typed = self._typed
        if self._is_external:
            least = self._spot.element.get("min_query_length", _LEAST_TYPED)
            if len(typed) < least:
                self._show_note(
                    f"Type at least {least} characters" if least > 1 else "Type to search"
                )
                return
            spot = self._spot
            offered = await spot.tab.person.offered(spot.current(), spot.placed, typed)
            if typed != self._typed or self._list.is_deleted:
                return  # something else was typed meanwhile
            self._show(app_groups(offered))
            return
        wanted = typed.casefold()
        groups = [
            Group(group.label, [each for each in group.options if wanted in each.words.casefold()])
            for group in groups_of(self._spot)
        ]
        self._show(groups)

    def _show(self, groups: list[Group]) -> None:
        if not any(group.options for group in groups):
            self._show_note("Nothing fits")
            return
        self._list.clear()
        with self._list:
            for group in groups:
                if group.label and group.options:
                    tag("div", group.label, "bk-options-label", role="presentation")
                for option in group.options:
                    self._draw(option)

    def _show_note(self, text: str) -> None:
        self._list.clear()
        with self._list:
            tag("div", text, "bk-options-note", role="status")

    def _draw(self, option: Option) -> None:
        is_chosen = any(option.is_chosen(value) for value in self._values)
        row = tag("div", replace_emoji(option.words), role="option", aria_selected=is_chosen)
        if option.description:
            with row:
                tag("small", option.description)
        row.on("click", lambda: self._choose(option), args=[])

    async def _choose(self, option: Option) -> None:
        if not self._is_multi:
            await self._set(option.value)
            return
        rest = [value for value in self._values if not option.is_chosen(value)]
        most = self._spot.element.get("max_selected_items")
        if len(rest) < len(self._values):
            await self._set(rest)
        elif most is not None and len(rest) >= most:
            self._show_note(f"No more than {most} can be chosen")
        else:
            await self._set([*rest, option.value])

    async def _remove(self, value: Any) -> None:
        rest = [each for each in self._values if each != value]
        await self._set(rest if self._is_multi else None)

    async def _set(self, value: Any) -> None:
        self._list.clear()
        await self._spot.act(self._field, value)
        if not self._chosen.is_deleted:
            self._show_chosen()


def draw_search(spot: Spot) -> None:
    """A select that is searched."""
    Search(spot)
