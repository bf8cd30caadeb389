"""The colours can be told apart, light and dark: WCAG 2.2, 1.4.3 and 1.4.11."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bot.playground.page

COLOURS = Path(bot.playground.page.__file__).parent / "styles" / "colours.css"
GROUNDS = ("--paper", "--paper-raised", "--paper-sunken", "--hover")
LEAST = {"--ink": 4.5, "--ink-soft": 4.5, "--link": 4.5, "--danger": 4.5, "--line-strong": 3.0}


def themes() -> dict[str, dict[str, str]]:
    """The colours of the light theme, and those of the dark one, which changes some of them."""
    light, dark = (
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", part))
        for part in COLOURS.read_text().split("@media")
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, of #rrggbb."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    colours = themes()[theme]
    weak = {
        (name, ground): round(found, 2)
        for name, least in LEAST.items()
        for ground in GROUNDS
        if (found := contrast(colours[name], colours[ground])) < least
    }
    assert weak == {}
