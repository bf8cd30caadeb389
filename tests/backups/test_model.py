"""Names, sizes and what is kept: the pure part."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bot.backups.model import Comparison, Manifest, SetFile, compare, name_order, part_of, set_names

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SUM = "0" * 64


def manifest(started: datetime, **sizes: int) -> Manifest:
    """A set with one file of that size for each part."""
    name = next(set_names(started))
    files = tuple(
        SetFile(
            path="database.dump" if part == "database" else f"{part}.tar.zst", size=size, sha256=SUM
        )
        for part, size in sizes.items()
    )
    return Manifest(
        id=name,
        target="grandvps",
        started=started,
        finished=started,
        reason="manual",
        by="os:ann",
        tool_versions={},
        revision=None,
        tables={},
        files=files,
    )


def test_a_set_is_named_after_its_start_in_utc() -> None:
    started = datetime(2026, 11, 22, 3, 0, 0, 999_999, tzinfo=BERLIN)
    assert list(islice(set_names(started), 3)) == [
        "20261122T020000Z",
        "20261122T020000Z-2",
        "20261122T020000Z-3",
    ]


def test_names_sort_by_time_then_number() -> None:
    names = ["20261122T020000Z-10", "20261122T020000Z", "20261123T020000Z", "20261122T020000Z-2"]
    assert sorted(names, key=lambda name: name_order(name) or ("", 0)) == [
        "20261122T020000Z",
        "20261122T020000Z-2",
        "20261122T020000Z-10",
        "20261123T020000Z",
    ]


@pytest.mark.parametrize(
    "name", ["", ".partial-20261122T020000Z", "20261122T020000Z-1", "20261122T020000Z-", "lost"]
)
def test_other_names_are_no_sets(name: str) -> None:
    assert name_order(name) is None


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("database.dump", "database"),
        ("database/toc.dat", "database"),
        ("media.tar.zst", "media"),
        ("config.tar.zst", "config"),
        ("globals.sql", None),
        ("RESTORE.md", None),
    ],
)
def test_files_belong_to_parts(path: str, part: str | None) -> None:
    assert part_of(path) == part


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", ""])
def test_a_manifest_cannot_point_out_of_its_set(path: str) -> None:
    with pytest.raises(ValidationError):
        SetFile(path=path, size=1, sha256=SUM)


def test_a_manifest_survives_json() -> None:
    one = manifest(NOON, database=5, media=7)
    assert Manifest.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("size", "previous", "said"),
    [
        (1030, 1000, "database 1.0 kB, 3 % more than on 21 Nov"),
        (970, 1000, "database 970 B, 3 % less than on 21 Nov"),
        (1001, 1000, "database 1.0 kB, the same as on 21 Nov"),
        (1000, 0, "database 1.0 kB"),
        (1000, None, "database 1.0 kB"),
    ],
)
def test_sizes_are_compared_with_those_before(size: int, previous: int | None, said: str) -> None:
    compared = Comparison("database", size, previous, NOON - timedelta(days=1))
    assert compared.sentence(BERLIN, NOON) == said


def test_a_set_of_the_same_day_is_named_by_its_hour() -> None:
    compared = Comparison("media", 1500, 1000, NOON - timedelta(hours=3))
    assert compared.sentence(BERLIN, NOON) == "media 1.5 kB, 50 % more than at 10:00 CET"


@pytest.mark.parametrize(("size", "suspicious"), [(601, False), (600, True), (0, True)])
def test_a_database_that_shrank_by_forty_percent_is_suspicious(size: int, suspicious: bool) -> None:
    assert Comparison("database", size, 1000, NOON).suspicious is suspicious
    assert not Comparison("media", size, 1000, NOON).suspicious


def test_each_part_is_compared_with_the_newest_set_that_holds_it() -> None:
    earlier = [
        manifest(NOON - timedelta(days=1), media=50),
        manifest(NOON - timedelta(days=2), database=100, media=10),
    ]
    found = compare(manifest(NOON, config=1, media=60, database=110), earlier)
    assert [(one.part, one.size, one.previous) for one in found] == [
        ("database", 110, 100),
        ("media", 60, 50),
        ("config", 1, None),
    ]
