"""What people see of the sets that they can restore, and of what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.backups.model import BackupSet, Manifest, SetFile
from bot.backups.view import listing as backups_listing
from bot.restores import view
from bot.restores.model import Kept, KeptState, Left
from bot.slack.blocks import literal, without_moments
from bot.slack.limits import fit, fit_view
from bot.terminal import lines

NOW = datetime(2026, 11, 25, 21, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ADA = "slack:U0ADA00001"
NAMES = {ADA: "@ada", "opsbell": "the schedule", "os:root": "root at the terminal"}


def found(number: int, *parts: str, reason: str = "manual", by: str = ADA) -> BackupSet:
    """A set of `number` hours ago."""
    started = NOW - timedelta(hours=number)
    names = {"database": "database.dump"}
    files = [
        SetFile(path=names.get(part, f"{part}.tar.zst"), size=1000, sha256="0" * 64)
        for part in parts
    ]
    manifest = Manifest(
        id=started.strftime("%Y%m%dT%H%M%SZ"),
        target="grandvps",
        started=started,
        finished=started,
        reason=reason,
        by=by,
        tool_versions={},
        revision=None,
        tables={},
        files=tuple(files),
    )
    return BackupSet(manifest.id, Path("/store"), manifest)


SETS = (
    found(1, "database", "media", reason="before deploy #12"),
    found(2, "database"),
    found(3, "media", "logs", reason="schedule", by="opsbell"),
    found(4, "database", by="os:root"),
)


def picked(chosen: str = "") -> tuple[list[str], list[str], list[str], str]:
    """The labels of the sets, the parts that are offered and those that are ticked, and the block
    in which they are."""
    known = ("database", "media", "logs", "config")
    modal = view.picker("grandvps", SETS, known, NAMES, NOW, "{}", chosen)
    fit_view(modal)
    menu, parts = modal["blocks"][:2]
    assert menu["dispatch_action"]
    assert menu["element"].get("initial_option", {}).get("value", "") == chosen
    boxes = parts["element"]
    return (
        [option["text"]["text"] for option in menu["element"]["options"]],
        [option["value"] for option in boxes["options"]],
        [option["value"] for option in boxes["initial_options"]],
        parts["block_id"],
    )


def test_the_line_of_a_set_says_why_and_by_whom_it_was_taken() -> None:
    labels, *_ = picked()
    told = [label.split(" · ")[-1] for label in labels]
    assert told == [
        "before deploy #12, by @ada",
        "by @ada",
        "scheduled",
        "by root at the terminal",
    ]
    assert all(len(label) <= 75 for label in labels)
    listed = backups_listing("grandvps", SETS, {}, NOW, slash="/backup")
    rows = [block["text"]["text"] for block in listed.blocks[1:-1]]
    assert "before deploy #12, by <@U0ADA00001>" in rows[0]
    assert " · by <@U0ADA00001> · " in rows[1]
    assert " · scheduled · " in rows[2]


@pytest.mark.parametrize(
    ("chosen", "offered", "ticked"),
    [
        (-1, ["database", "media", "logs"], ["database"]),
        (0, ["database", "media"], ["database"]),
        (1, ["database"], ["database"]),
        (2, ["media", "logs"], ["media", "logs"]),
    ],
)
def test_the_window_offers_what_the_chosen_set_holds(
    chosen: int, offered: list[str], ticked: list[str]
) -> None:
    wanted = SETS[chosen].id if chosen >= 0 else ""
    _, options, initial, block = picked(wanted)
    assert (options, initial) == (offered, ticked)
    # Slack would keep what was ticked in a block that it knows.
    assert block == (f"parts:{wanted}" if wanted else "parts")
    assert view.picked_parts({"set": wanted, block: ["media"]}) == ["media"]


@pytest.mark.parametrize(
    ("known", "chosen", "told"),
    [
        (("config",), SETS[2].id, "holds nothing that is configured: it holds logs and media."),
        (("config",), "", "hold nothing that is configured: they hold database, logs and media."),
        (("database",), "20260101T000000Z", "is not there any more. Choose another one."),
    ],
)
def test_where_no_part_can_be_offered_the_window_says_why(
    known: tuple[str, ...], chosen: str, told: str
) -> None:
    modal = view.picker("grandvps", SETS, known, NAMES, NOW, "{}", chosen)
    fit_view(modal)
    [section] = modal["blocks"]
    assert section["text"]["text"].endswith(told)
    # Another one can be chosen; there is nothing to submit.
    assert section["accessory"]["action_id"] == "restore.choose:grandvps"
    assert "submit" not in modal


def test_a_set_beyond_those_that_are_offered_can_be_chosen() -> None:
    sets = [found(number, "database") for number in range(view.OFFERED + 5)]
    modal = view.picker("grandvps", sets, ("database",), NAMES, NOW, "{}", sets[-1].id)
    fit_view(modal)
    menu = modal["blocks"][0]["element"]
    assert menu["initial_option"] == menu["options"][-1]
    assert len(menu["options"]) == view.OFFERED + 1


def test_what_is_kept_and_left_is_told_in_the_readers_zone() -> None:
    aside = {"database": "shop_before_20261125T203000Z", "oid": 1, "name": "shop"}
    kept = Kept(1, 7, "grandvps", "database", aside, NOW, NOW)
    place = {"files": "/app/.opsbell-media-x", "service": "web"}
    beside = Kept(2, 8, "grandvps", "media", place, NOW, NOW, KeptState.BESIDE)
    stays = replace(beside, id=3, part="logs")
    left = Left((beside, stays), {3: "operation 8 may still go on with it"}, ("rm -r -- x",))
    told = view.standing("grandvps", [kept], left, BERLIN, slash="/restore")
    assert fit(told).overflow is None
    assert f"until <!date^{int(NOW.timestamp())}^" in str(told.blocks)
    shown = list(lines(told))
    assert (
        "database: shop_before_20261125T203000Z, by operation 7, until Wed 25 Nov 22:30 CET"
    ) in shown
    assert (
        "media: /app/.opsbell-media-x in web, by operation 8, removed Wed 25 Nov 22:30 CET"
    ) in shown
    assert (
        "logs: /app/.opsbell-media-x in web, by operation 8, not removed by itself:"
        " operation 8 may still go on with it"
    ) in shown
    assert "rm -r -- x" in shown


def test_only_moments_are_left_unescaped() -> None:
    text = "<!channel> <!date^0^{time}^https://example.com|x> <@U1> & <!date^0^{time}|Thu 1 Jan>"
    assert literal(text) == (
        "&lt;!channel&gt; &lt;!date^0^{time}^https://example.com|x&gt; &lt;@U1&gt; &amp;"
        " <!date^0^{time}|Thu 1 Jan>"
    )
    assert without_moments(text).endswith("& Thu 1 Jan")
