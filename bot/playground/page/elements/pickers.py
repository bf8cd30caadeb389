"""Pickers of a date, a time or a moment: the browser's own, in the browser's time zone."""

from __future__ import annotations

from nicegui.events import GenericEventArguments

from bot.playground.page.elements.spot import Spot
from bot.playground.page.tags import tag

# While a year is being typed the browser reports the years 2, 20 and 202 too.
_DATE = "(event) => { const date = event.target.value; if (!date || date >= '1000') emit(date); }"
_TIME = "(event) => emit(event.target.value)"
_MOMENT = """(event) => {
    const moment = event.target.value;
    if (!moment) emit('');
    else if (moment >= '1000') emit(Math.floor(new Date(moment).getTime() / 1000));
}"""


def draw_datepicker(spot: Spot) -> None:
    """A date as yyyy-mm-dd."""
    _draw(spot, "date", "Date", _DATE)


def draw_timepicker(spot: Spot) -> None:
    """A time of day as hh:mm."""
    _draw(spot, "time", "Time", _TIME)


def draw_datetimepicker(spot: Spot) -> None:
    """A moment as epoch seconds, shown in the browser's time zone."""
    _draw(spot, "datetime-local", "Date and time", _MOMENT)


def _draw(spot: Spot, kind: str, words: str, js_handler: str) -> None:
    control = tag("input", classes="bk-input bk-picker", type=kind)
    spot.name(control, spot.placeholder or words)
    value = spot.value
    if kind == "datetime-local":
        control.props["data-moment"] = value  # the page's script writes it as local time
    else:
        control.props["^value"] = value or ""

    async def pick(event: GenericEventArguments) -> None:
        chosen = event.args if event.args != "" else None
        await spot.choose(control, chosen)

    control.on("change", pick, js_handler=js_handler)
