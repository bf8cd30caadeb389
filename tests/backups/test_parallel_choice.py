"""When a dump is made by several sessions, and where its scratch files lie."""

import pytest

from bot.backups.dump_jobs import MOST_FILES, Sizes, jobs_for, parse_cores
from bot.backups.dump_scratch import Place, choose, parse_places, scratch_name

GB = 1 << 30


def sizes(
    total: int = 10 * GB, largest: int = GB, files: int = 200, connections: int = 90
) -> Sizes:
    return Sizes(total, largest, files, connections)


@pytest.mark.parametrize(
    ("have", "spare", "jobs"),
    [
        (sizes(), 1, 1),
        (sizes(), 2, 2),
        (sizes(), 4, 4),
        (sizes(), 64, 8),
        (sizes(total=63 << 20, largest=1 << 20), 4, 1),
        (sizes(largest=9 * GB), 4, 1),  # 10 parts of work in the time of 9
        (sizes(largest=7 * GB), 4, 4),
        (sizes(files=MOST_FILES), 2, 2),
        (sizes(files=MOST_FILES + 1), 2, 1),
        (sizes(connections=8), 4, 2),
        (sizes(connections=7), 4, 1),
        (sizes(connections=-3), 4, 1),
        (sizes(total=0, largest=0), 4, 1),
    ],
)
def test_jobs_are_those_that_gain_something(have: Sizes, spare: int, jobs: int) -> None:
    assert jobs_for(have, spare) == jobs


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        ("2 195 max 0\n", 2),
        ("2 120 max 100000\n", 2),
        ("2 100 max 100000\n", 1),
        ("2 3 max 0\n", 1),
        ("8 760 -1 100000\n", 8),
        ("8 760 250000 100000\n", 2),
        ("8 760 20000 100000\n", 1),
        ("2 1600 max 0\n", 2),  # two of sixteen by affinity
    ],
)
def test_spare_cores_heed_affinity_quota_and_load(said: str, cores: int) -> None:
    assert parse_cores(said) == cores


def test_what_people_wait_for_takes_busy_cores_too() -> None:
    assert parse_cores("2 3 max 0\n", busy_too=True) == 2
    assert parse_cores("8 10 250000 100000\n", busy_too=True) == 2


@pytest.mark.parametrize("said", ["", "2 195", "two idle max 0"])
def test_what_is_no_answer_is_an_error(said: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_cores(said)


DF = """\
/tmp
overlay              263112772  45970404  61513304  43% /
/var/tmp
/dev/mapper/vg-scratch  1000000000  500000  999500000   1% /var/tmp
/dev/shm
shm 900000000 0 900000000 0% /dev/shm
"""


def test_a_volume_comes_before_the_layer_and_memory_never() -> None:
    places = parse_places(DF)
    assert [place.path for place in places] == ["/tmp", "/var/tmp", "/dev/shm"]
    assert places[0] == Place("/tmp", "overlay", 263112772 << 10, 61513304 << 10, "/")
    assert choose(places, GB) == places[1]
    assert choose([places[2], places[0]], GB) == places[0]
    assert choose([places[2]], GB) is None


def test_a_place_keeps_its_reserve() -> None:
    place = Place("/tmp", "overlay", 100 * GB, 10 * GB, "/")
    assert place.reserve == 5 * GB
    assert choose([place], 5 * GB) == place
    assert choose([place], 5 * GB + 1) is None
    assert Place("/tmp", "overlay", 2 * GB, 2 * GB, "/").reserve == GB


def test_a_scratch_name_is_plain() -> None:
    mark = "opsbell backup 20261122T020000Z grand vps; rm -rf *"
    assert scratch_name(mark) == "opsbell_backup_20261122T020000Z_grand_vps_rm_-rf_"
