"""Events in plain words, and as rows with every detail."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from bot.audit import view
from bot.audit.told import LENGTH, details, in_words
from bot.config.redact import Redactor
from bot.slack.blocks import day_and_time

PLAN = {"runbook": "deploy", "plan": "Deploy grandvps to v1.4"}


def event(
    action: str, detail: dict[str, Any], *, subject: str = "operation:7", actor: str = "os:bob"
) -> dict[str, Any]:
    at = datetime(2026, 11, 22, 14, tzinfo=UTC)
    values = {"id": 1, "at": at, "actor": actor, "action": action, "subject": subject}
    return values | {"target": "grandvps", "outcome": "ok", "detail": detail}


def same(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("action", "detail", "said"),
    [
        (
            "operation.requested",
            PLAN | {"facts": {"commit": "e4f5a6b"}},
            "asked for Deploy grandvps to v1.4 (operation 7)",
        ),
        (
            "operation.finished",
            PLAN | {"state": "done", "error": ""},
            "Deploy grandvps to v1.4 (operation 7): done",
        ),
        (
            "operation.finished",
            PLAN | {"state": "failed", "error": "It never\ngot healthy."},
            "Deploy grandvps to v1.4 (operation 7): failed. It never got healthy",
        ),
        ("operation.approved", {"runbook": "backup"}, "approved backup (operation 7)"),
        ("target.locked", {"why": "migrating mail"}, "locked it: migrating mail"),
        (
            "operation.expired",
            PLAN,
            "Deploy grandvps to v1.4 (operation 7) was not approved in time",
        ),
        ("maintenance.reopened", {}, "the end of the maintenance was taken back: it is on again"),
        (
            "maintenance.unproven",
            {"url": "https://grandvps.example/", "said": "the page answers 503 instead of 200"},
            "found that the page answers 503 instead of 200",
        ),
        ("something.new_here", {"runbook": "x", "text": "why"}, "something new here why"),
    ],
)
def test_a_line_says_in_words_what_happened(action: str, detail: dict[str, Any], said: str) -> None:
    assert in_words(event(action, detail), same) == said


def test_a_long_line_is_cut() -> None:
    told = in_words(event("target.locked", {"why": "x" * 1000}), same)
    assert (len(told), told[-1]) == (LENGTH, "…")


@pytest.mark.parametrize("secret", ["canary-of-many-letters", "canary of  two\nlines"])
def test_a_secret_is_hidden_before_a_line_is_joined_or_cut(secret: str) -> None:
    redact = Redactor([secret]).redact
    for before in range(LENGTH):
        told = in_words(event("target.locked", {"why": "x" * before + " " + secret}), redact)
        assert "can" not in told


def test_moments_are_told_as_times() -> None:
    until = day_and_time(datetime(2026, 11, 22, 14, tzinfo=UTC), UTC)
    detail = {"plan": "Restore", "state": "done", "error": f"It is kept until {until}."}
    told = event("operation.finished", detail)
    assert in_words(told, same).endswith("It is kept until Sun 22 Nov 14:00 UTC")
    assert "error=It is kept until Sun 22 Nov 14:00 UTC." in view.line(told, {}, same)


def test_values_that_are_no_words_are_written_as_json() -> None:
    kept = {"facts": {"commit": None, "sets": ["a"]}, "items": 3, "note": ""}
    assert details(event("x", kept)) == 'facts={"commit": null, "sets": ["a"]} items=3'


def test_what_people_typed_is_shown_as_it_is() -> None:
    typed = {"why": "*now* <!channel> \u202egnp.exe"}
    shown = view.message([event("target.locked", typed)], same)
    [section, _] = shown.blocks
    assert "`locked it: *now* &lt;!channel&gt; \\u202egnp.exe`" in section["text"]["text"]
    terminal = view.line(event("target.locked", {"why": "a\x1b[2Jb\nc"}), {}, same)
    assert terminal.endswith("why=ab c")


def test_before_a_terminal_events_are_a_table() -> None:
    console = Console(width=200, record=True, force_terminal=True)
    names = {"U0ALICE001": "Alice"}
    rows = [event("operation.requested", PLAN, actor="slack:U0ALICE001")]
    with console.capture() as captured:
        console.print(view.table(rows, names, same))
    head, row = captured.get().splitlines()
    assert all(word in head for word in ("Time", "Who", "Details"))
    assert "Alice (U0ALICE001)" in row
    assert "plan=Deploy grandvps to v1.4" in row
