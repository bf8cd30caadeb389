"""How errors are said."""

from __future__ import annotations

from bot.errors import NotFound
from bot.slack import present


def test_an_error_names_commands_as_they_are_typed() -> None:
    failure = NotFound("/srv and /tmp are gone.", hint="Use /checklist status, or `/backup`.")
    text = present.error(failure, "gv-").text
    assert text == "/srv and /tmp are gone. Use /gv-checklist status, or `/gv-backup`."
