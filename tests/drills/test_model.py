"""What a drill makes of what it has found: rows, migrations, and whose fault a failure is."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.drills.model import (
    Migration,
    blames_the_place,
    blames_the_store,
    migrations_told,
    several,
    wrong_rows,
)

TAKEN = datetime(2026, 11, 22, 2, tzinfo=UTC)
OLD, NEW = TAKEN - timedelta(days=30), TAKEN + timedelta(hours=5)


def migrations(at: datetime, *names: str) -> list[Migration]:
    return [Migration("shop", name, at) for name in names]


def test_rows_are_compared_both_ways() -> None:
    assert wrong_rows({"public.a": 1}, {"public.a": 1}) == []
    assert wrong_rows({"public.a": 1200, "public.b": 2}, {"public.a": 1199, "public.c": 0}) == [
        "public.a has 1\N{NARROW NO-BREAK SPACE}199 rows instead of 1\N{NARROW NO-BREAK SPACE}200",
        "public.b is missing",
        "public.c is not in the manifest",
    ]


def test_the_same_migrations_are_said_to_be_the_same() -> None:
    ours = migrations(OLD, "0001", "0002")
    assert migrations_told(ours, ours, TAKEN) == ("2 migrations, as in production", "")


def test_what_was_applied_since_is_usual() -> None:
    ours = migrations(OLD, "0001")
    live = [*ours, *migrations(NEW, "0002")]
    assert migrations_told(ours, live, TAKEN) == ("1 migration, 1 applied in production since", "")


def test_one_that_ran_while_the_backup_began_may_be_on_either_side() -> None:
    live = migrations(OLD, "0001") + migrations(TAKEN - timedelta(minutes=2), "0002")
    assert migrations_told(live[:1], live, TAKEN)[1] == ""


def test_what_production_had_by_then_is_missed() -> None:
    live = migrations(OLD, "0001", "0002")
    note, warning = migrations_told(live[:1], live, TAKEN)
    assert (note, warning) == ("1 migration", "the backup lacks shop.0002")


def test_what_production_never_had_or_took_back_is_told() -> None:
    ours = migrations(OLD, "0001", "0002", "0003", "0004", "0005")
    _, warning = migrations_told(ours, ours[:1], TAKEN)
    assert warning == "production does not have shop.0002, shop.0003, shop.0004 and 1 more"


def test_a_production_that_does_not_answer_is_said() -> None:
    note, warning = migrations_told(migrations(OLD, "0001"), None, TAKEN)
    assert (note, warning) == ("1 migration, production's not known", "")


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ('could not extend file "base/16384/2619": No space left on device', True),
        ("FATAL: terminating connection due to administrator command", True),
        ("ERROR: permission denied to create extension", True),
        ("pg_restore: error: could not execute query: ERROR: out of memory", True),
        ('ERROR: invalid input syntax for type integer: "x"', False),
        ("pg_restore: error: could not read from input file: end of file", False),
        ('ERROR: could not open extension control file "x.control": No such file', True),
        ("ERROR: can only create extension in database postgres", True),
        ("pg_restore ended with exit status 1: pg_restore: terminated by user.", True),
        ("vacuumdb: error: ERROR: canceling statement due to user request", True),
        ("vacuumdb ended with exit status 143.", True),
        ("pg_restore ended with exit status 137.", True),
        ("pg_restore ended with exit status 255.", True),
        ("pg_restore ended with exit status -9.", True),
        ("pg_restore ended with exit status 1.", False),
        ("pg_restore ended with exit status 127.", False),
        ("pg_restore ended with exit status 1: error: 137 rows.", False),
        ('pg_restore: error: ERROR: duplicate key value violates unique constraint "x"', False),
    ],
)
def test_whose_fault_a_failure_is(said: str, place: bool) -> None:
    assert blames_the_place(said) is place


@pytest.mark.parametrize(
    ("said", "store"),
    [
        ("ignoring error for /database.dump: ciphertext verification failed", True),
        ("Fatal: id 5f1a not found in repository", True),
        ("There were 3 errors: dial tcp: i/o timeout", False),
        ("ignoring error for /database.dump: write: No space left on device", False),
        ("ciphertext verification failed; write: No space left on device", False),
    ],
)
def test_whether_a_repository_has_lost_data(said: str, store: bool) -> None:
    assert blames_the_store(said) is store


def test_of_many_findings_the_first_are_named() -> None:
    assert several(["a", "b"]) == "a; b"
    assert several(["a", "b", "c", "d", "e"]) == "a; b; c; 2 more"
