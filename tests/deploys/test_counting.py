"""Which migrations are still to be applied, and which code has those that were."""

from __future__ import annotations

import pytest

from bot.deploys.counting import Pending, beyond, files_of, has, holding, to_apply
from bot.deploys.model import Change, Difference, Migration
from tests.deploys.test_model import migrations

SHOP = ["shop/migrations/0001_initial.py", "shop/migrations/0002_price.py"]
BLOG = ["blog/migrations/0001_initial.py"]
DJANGO = migrations("auth.0001_initial", "auth.0002_alter", "sessions.0001_initial")
HAD = [*DJANGO, *migrations("shop.0001_initial", "shop.0002_price")]
THIRD = "shop/migrations/0003_stock.py"


def test_files_that_are_migrations_by_themselves() -> None:
    listed = [
        "shop/migrations/__init__.py",
        "shop/migrations/_helpers.py",
        "shop/migrations/0001_initial.py",
        "shop/migrations/0001_more.sql",
        "shop/migrations/sql/0001_view.sql",
        "migrations/0001_initial.sql",
        "shop/models.py",
    ]
    assert files_of(listed) == ["shop/migrations/0001_initial.py", "migrations/0001_initial.sql"]


def test_what_the_database_has_not_had_is_to_be_applied() -> None:
    assert to_apply([*SHOP, THIRD], SHOP, HAD, {THIRD}) == (THIRD,)
    assert to_apply(SHOP, SHOP, HAD) == ()


def test_what_the_files_bring_may_be_there_already() -> None:
    """After a deploy that went back by itself, its migrations stay applied."""
    had = [*HAD, Migration("shop", "0003_stock")]
    assert to_apply([*SHOP, THIRD], SHOP, had, {THIRD}) == ()


def test_what_was_pulled_by_hand_and_never_applied_is_counted() -> None:
    assert to_apply([*SHOP, THIRD], [*SHOP, THIRD], HAD) == (THIRD,)


def test_a_new_app_is_to_be_applied_although_others_have_migrations_of_the_same_name() -> None:
    assert to_apply([*SHOP, *BLOG], SHOP, HAD, {*BLOG}) == (*BLOG,)


def test_an_empty_database_is_yet_to_have_all() -> None:
    assert to_apply(SHOP, SHOP, []) == (*SHOP,)


def test_an_app_may_have_a_label_of_its_own() -> None:
    """Its directory is called shop, its label is store."""
    had = [*DJANGO, *migrations("store.0001_initial", "store.0002_price")]
    assert to_apply([*SHOP, THIRD], SHOP, had, {THIRD}) == (THIRD,)
    assert to_apply([*SHOP, THIRD], SHOP, [*had, Migration("store", "0003_stock")], {THIRD}) == ()
    # A first migration alone tells no label: what no deploy has tried is counted.
    had = [*DJANGO, *migrations("news.0001_initial")]
    more = "blog/migrations/0002_x.py"
    assert to_apply([*BLOG, more], BLOG, had, {more}, tried=BLOG) == (more,)
    assert to_apply(BLOG, BLOG, had, tried=BLOG) == ()


def test_an_app_of_which_nothing_was_applied_is_open_as_a_whole_until_a_deploy_has_tried() -> None:
    """Pulled by hand, or not installed: the first is not to be missed."""
    files = [*SHOP, *BLOG]
    assert to_apply(files, files, HAD) == (*BLOG,)
    assert to_apply(files, files, HAD, tried=SHOP) == (*BLOG,)
    # Django had it in its hands and left it: it is in no INSTALLED_APPS.
    assert to_apply(files, files, HAD, tried=files) == ()
    # After a way back with the database of before, it comes anew.
    assert to_apply(files, SHOP, HAD, {*BLOG}, tried=files) == (*BLOG,)


def test_what_a_later_revision_left_in_the_database_is_named() -> None:
    had = [*HAD, Migration("shop", "0003_stock")]
    assert beyond(SHOP, had) == (Migration("shop", "0003_stock"),)
    assert beyond([*SHOP, THIRD], had) == ()


def test_an_app_that_only_a_later_revision_has_is_known_by_that_one() -> None:
    had = [*HAD, Migration("blog", "0001_initial")]
    assert beyond(SHOP, had) == ()
    assert beyond(SHOP, had, [*SHOP, *BLOG]) == (Migration("blog", "0001_initial"),)
    assert beyond([*SHOP, *BLOG], had, [*SHOP, *BLOG]) == ()


def test_what_was_squashed_was_not_left_by_a_later_revision() -> None:
    had = migrations("shop.0001_initial", "shop.0002_price", "shop.0001_squashed_0002_price")
    assert beyond(["shop/migrations/0001_squashed_0002_price.py"], had) == ()


def test_where_the_database_is_not_asked_what_changes_is_counted() -> None:
    changes = (Change("A", THIRD), Change("D", SHOP[1]), Change("M", "shop/models.py"))
    pending = Pending.of(Difference((), 1, (), changes), "no database is configured")
    assert pending == Pending((THIRD, SHOP[1]), "no database is configured")


@pytest.mark.parametrize(
    ("revisions", "found"),
    [
        ({"head": [*SHOP, THIRD], "after": SHOP}, ("head", ())),
        ({"head": SHOP, "after": [*SHOP, THIRD]}, ("after", ())),
        ({"head": SHOP, "after": SHOP}, ("", (Migration("shop", "0003_stock"),))),
        # Of no app of the repository: the packages bring it.
        ({"head": BLOG}, ("head", ())),
    ],
)
def test_the_revision_that_has_all(
    revisions: dict[str, list[str]], found: tuple[str, tuple[Migration, ...]]
) -> None:
    wanted = migrations("auth.0003_more", "shop.0003_stock")
    assert holding(revisions, wanted, [*HAD, *wanted]) == found


def test_whether_a_revision_has_a_migration() -> None:
    had = [*HAD, Migration("shop", "0003_stock")]
    assert has([*SHOP, THIRD], had[-1], had)
    assert not has(SHOP, had[-1], had)
