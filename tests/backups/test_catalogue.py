"""What counts as a set, and what does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.backups.catalogue import Catalogue
from bot.backups.model import MANIFEST, Manifest, SetFile
from bot.backups.set_store import DirectoryStore, find, newest
from bot.backups.verdicts import no_verdicts
from bot.errors import NotFound
from tests.backups.test_model import NOON, SUM, manifest


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "grandvps")


def put(catalogue: Catalogue, one: Manifest) -> Path:
    """Puts a whole set on disk."""
    path = catalogue.final(one.id)
    path.mkdir(parents=True)
    for file in one.files:
        (path / file.path).write_bytes(bytes(file.size))
    (path / MANIFEST).write_text(one.model_dump_json())
    return path


def days_ago(*days: int) -> list[Manifest]:
    return [manifest(NOON - timedelta(days=day), database=10, media=5) for day in days]


def test_sets_are_listed_newest_first(catalogue: Catalogue) -> None:
    sets = days_ago(0, 1, 2)
    for one in reversed(sets):
        put(catalogue, one)
    assert [one.good for one in catalogue.sets()] == sets
    assert newest(catalogue.sets(), ["database"]) == sets[0]
    assert newest(catalogue.sets(), ["database", "logs"]) is None


def test_no_directory_is_no_sets(catalogue: Catalogue) -> None:
    assert catalogue.sets() == []
    with pytest.raises(NotFound, match="no backup"):
        find(catalogue.sets(), "latest")


def test_what_has_no_manifest_or_no_name_is_no_set(catalogue: Catalogue) -> None:
    one, other = days_ago(0, 1)
    (put(catalogue, one) / MANIFEST).unlink()
    put(catalogue, other).rename(catalogue.partial(other.id))
    (catalogue.directory / "lost+found").mkdir()
    (catalogue.directory / "20261122T020000Z").write_text("a file")
    assert catalogue.sets() == []


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        (b"", "manifest.json is not readable"),
        (b"{", "manifest.json is not readable"),
        (b"[]", "manifest.json is not readable"),
        (b"\xff\xfe", "manifest.json is not readable"),
        (b'{"id": "20261122T120000Z"}', "target: Field required"),
    ],
)
def test_a_bad_manifest_is_listed_with_its_reason(
    catalogue: Catalogue, text: bytes, trouble: str
) -> None:
    bad, good = days_ago(0, 1)
    (put(catalogue, bad) / MANIFEST).write_bytes(text)
    put(catalogue, good)
    first, second = catalogue.sets()
    assert first.good is None
    assert trouble in first.trouble
    assert second.good == good
    assert [one.good for one in catalogue.sets() if one.good] == [good]


def test_files_that_are_not_as_written_are_trouble(catalogue: Catalogue) -> None:
    missing, short, moved, stray = days_ago(0, 1, 2, 3)
    (put(catalogue, missing) / "media.tar.zst").unlink()
    (put(catalogue, short) / "database.dump").write_bytes(b"123")
    put(catalogue, moved).rename(catalogue.final("20260101T000000Z"))
    outside = stray.files[0].model_copy(update={"path": "../../etc/passwd"})
    path = put(catalogue, stray)
    broken = stray.model_copy(update={"files": (outside,)})
    (path / MANIFEST).write_text(broken.model_dump_json())
    troubles = {one.id: one.trouble for one in catalogue.sets()}
    assert troubles[missing.id] == "media.tar.zst is not readable: No such file or directory"
    assert troubles[short.id] == "database.dump has 3 bytes instead of 10"
    assert troubles["20260101T000000Z"] == f"manifest.json is that of {moved.id}"
    assert "leads out of the set" in troubles[stray.id]


def test_a_set_is_found_by_the_beginning_of_its_id(catalogue: Catalogue) -> None:
    first, second = days_ago(0, 1)
    put(catalogue, first)
    put(catalogue, second)
    assert find(catalogue.sets(), "latest").good == first
    assert find(catalogue.sets(), "20261121").good == second
    assert find(catalogue.sets(), second.id.lower()).good == second
    with pytest.raises(NotFound, match="2 backups begin") as several:
        find(catalogue.sets(), "202611")
    assert first.id in several.value.hint
    with pytest.raises(NotFound, match="no backup") as none:
        find(catalogue.sets(), "1999")
    assert first.id in none.value.hint


async def test_who_names_a_plain_dump_is_told_how_it_is_restored(catalogue: Catalogue) -> None:
    store = DirectoryStore("grandvps", catalogue, no_verdicts)
    with pytest.raises(NotFound, match="no backup") as none:
        await store.find("./dumps/backup_file.sql")
    assert none.value.hint == (
        f"A plain dump is restored from {catalogue.directory}: put it there and say"
        " /restore file:backup_file.sql."
    )


def test_an_id_that_begins_another_is_found_by_itself(catalogue: Catalogue) -> None:
    first = manifest(NOON, database=1)
    second = first.model_copy(update={"id": f"{first.id}-2"})
    put(catalogue, first)
    put(catalogue, second)
    assert find(catalogue.sets(), first.id).good == first
    assert find(catalogue.sets(), "latest").good == second


def test_leftovers_are_cleared_and_sets_are_not(catalogue: Catalogue) -> None:
    (one,) = days_ago(0)
    put(catalogue, one)
    (catalogue.partial("20261101T000000Z") / "deep").mkdir(parents=True)
    assert catalogue.clear() == 1
    assert [path.name for path in catalogue.directory.iterdir()] == [one.id]


def test_removing_takes_only_the_named_set(catalogue: Catalogue) -> None:
    first, second = days_ago(0, 1)
    put(catalogue, first)
    put(catalogue, second)
    catalogue.remove(second.id)
    assert [path.name for path in catalogue.directory.iterdir()] == [first.id]


def test_keys_of_a_later_version_are_let_pass(catalogue: Catalogue) -> None:
    (one,) = days_ago(0)
    path = put(catalogue, one)
    text = one.model_dump_json()
    (path / MANIFEST).write_text(text.replace("{", '{"encryption": "age", ', 1))
    assert find(catalogue.sets(), "latest").good == one


def test_times_without_a_zone_are_refused() -> None:
    naive = datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None)
    one = manifest(NOON, database=1)
    text = one.model_dump_json().replace("2026-11-22T12:00:00Z", naive.isoformat())
    with pytest.raises(ValueError, match="timezone"):
        Manifest.model_validate_json(text)


def test_sums_are_sha256() -> None:
    with pytest.raises(ValueError, match="sha256"):
        SetFile(path="a", size=1, sha256=SUM[:-1])
