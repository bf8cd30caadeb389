"""What follows from refs, files and migrations alone."""

from __future__ import annotations

import pytest

from bot.deploys.model import Change, Migration, applied_since, checked_ref, reversal
from bot.errors import UsageError


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("shop/migrations/0003_price.py", True),
        ("src/apps/shop/migrations/0003_price.py", True),
        ("migrations/0003_ticket_priority.sql", True),
        ("shop/migrations/__init__.py", False),
        ("shop/migrations/README.md", False),
        ("shop/migrations.py", False),
        ("docs/migrations.md", False),
    ],
)
def test_migrations_are_known_by_their_place(path: str, is_one: bool) -> None:
    assert Change("A", path).is_migration is is_one


@pytest.mark.parametrize("ref", ["main", "v1.2.0", "feature/login-2", "a1b2c3d", "heads/main"])
def test_refs(ref: str) -> None:
    assert checked_ref(ref) == ref


@pytest.mark.parametrize(
    "ref", ["", "-x", "--force", "a..b", "a b", "x@{1}", "x~1", "x^", "a:b", "a//b", "é", "x\n"]
)
def test_no_refs(ref: str) -> None:
    with pytest.raises(UsageError):
        checked_ref(ref)


def migrations(*names: str) -> list[Migration]:
    """`shop.0001` and so on."""
    return [Migration(*name.split(".")) for name in names]


def test_the_way_back_is_each_apps_last_one_before_the_newest_app_first() -> None:
    before = migrations("auth.0001", "shop.0001", "shop.0002")
    now = migrations(
        "auth.0001", "shop.0001", "shop.0002", "shop.0003", "blog.0001", "shop.0004", "auth.0002"
    )
    assert applied_since(before, now) == tuple(
        migrations("shop.0003", "blog.0001", "shop.0004", "auth.0002")
    )
    assert reversal(before, now) == tuple(migrations("auth.0001", "shop.0002", "blog.zero"))


def test_no_way_back_where_nothing_was_applied() -> None:
    assert reversal(migrations("a.1"), migrations("a.1")) == ()
