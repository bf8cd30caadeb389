"""What people type, made readable."""

from __future__ import annotations

from typing import Any

import pytest

from bot.config.settings import Settings
from bot.errors import UsageError
from bot.slack.text_in import clean, joined, nearest, resolve_target, split


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now —force", "now --force"),
        ("now –force", "now --force"),
        ("API – down since 9—10", "API – down since 9—10"),
        ("note “it’s late”", 'note "it\'s late"'),
        ("assign <@U0ALICE001|alice> in <#C0OPS00001|ops>", "assign U0ALICE001 in C0OPS00001"),
        ("page <!subteam^S0OPS00001|@ops>", "page S0OPS00001"),
        ("wake <!here>", "wake @here"),
        ("see <https://x.example/?a=1&amp;b=2|x.example>", "see https://x.example/?a=1&b=2"),
        ("mail <mailto:a@x.example|a@x.example>", "mail a@x.example"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        # A person's own "<@U1>" comes escaped and must not become a mention.
        ("&lt;@U0ALICE001&gt;", "<@U0ALICE001>"),
        ("on don’t panic ‘it’s late’", "on don't panic 'it's late'"),
        ("  now  ", "now"),
    ],
)
def test_clean(typed: str, meant: str) -> None:
    assert clean(typed) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a  b\tc\nd", ["a", "b", "c", "d"]),
        ('open "the site is down" sev1', ["open", "the site is down", "sev1"]),
        ("'two words' ''", ["two words", ""]),
        ('on "db upgrade", back at five', ["on", "db upgrade", ",", "back", "at", "five"]),
        ("it's Bob's", ["it's", "Bob's"]),
        ("'tis late", ["'tis", "late"]),
        ("on don't panic 'it's late'", ["on", "don't", "panic", "it's late"]),
        ("'it's late", ["'it's", "late"]),
        ('say "a"b c"', ["say", 'a"b c']),
        (r"a\b $HOME `id` ;", [r"a\b", "$HOME", "`id`", ";"]),
        ('say"no"', ['say"no"']),
        ('name="Bob and Eve" n=\'a b\' x=""', ["name=Bob and Eve", "n=a b", "x="]),
        ("name='tis late", ["name='tis", "late"]),
    ],
)
def test_split(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["now", "in:shop", "it's"],
        ["name=Bob's; touch x", "", " ", "a\tb\nc"],
        ["'tis", '"', "name='x", 'a" b', "$(id)", "--plan"],
        ["it's late", "o'clock 'n'", "n='it's late"],
    ],
)
def test_words_survive_their_way_through_a_text(words: list[str]) -> None:
    assert split(joined(words)) == words


def test_a_word_that_no_quotes_fit_around_is_refused() -> None:
    with pytest.raises(UsageError, match="both kinds of quotes"):
        joined(["a 'b' \"c\""])


def test_a_quote_that_does_not_close_is_named() -> None:
    with pytest.raises(UsageError, match='quote before "the site" is not closed'):
        split('open "the site')


def settings(**targets: tuple[str, ...]) -> Settings:
    described: dict[str, Any] = {
        name: {"runtime": "host", "directory": "/srv", "channels": channels}
        for name, channels in targets.items()
    }
    return Settings.model_validate({"targets": described})


def test_the_only_target_needs_no_name() -> None:
    assert resolve_target(settings(shop=()), ["now"], "C1", "ops") == ("shop", ["now"])


def test_a_named_target_wins_over_the_channel_s() -> None:
    two = settings(shop=("ops",), blog=())
    assert resolve_target(two, ["now", "in:blog", "media"], "C1", "ops") == (
        "blog",
        ["now", "media"],
    )


@pytest.mark.parametrize("channel", [("C0SHOP0001", ""), ("C1", "shop-ops")])
def test_a_channel_is_bound_by_id_or_name(channel: tuple[str, str]) -> None:
    two = settings(shop=("C0SHOP0001", "shop-ops"), blog=())
    assert resolve_target(two, ["now"], *channel) == ("shop", ["now"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["now"], "Add in:blog or in:shop"),
        (["in:shpo"], "Did you mean shop?"),
        (["in:nothing"], "There is blog and shop"),
        (["in:shop", "in:blog"], "One target at a time"),
    ],
)
def test_what_leaves_no_target_or_several(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        resolve_target(settings(shop=(), blog=()), words, "C1", "ops")


def test_naming_one_target_twice_is_naming_one() -> None:
    assert resolve_target(settings(shop=(), blog=()), ["in:shop", "in:shop"]) == ("shop", [])


def test_opsbell_itself_is_a_target_for_backups_alone() -> None:
    shop = settings(shop=())
    own = {"opsbell": shop.target("shop")}
    both = shop.model_copy(update={"targets": {**shop.targets, **own}})
    alone = shop.model_copy(update={"targets": own})
    assert resolve_target(both, ["now"]) == ("shop", ["now"])
    assert resolve_target(both, ["now"], with_own=True) == ("shop", ["now"])
    assert resolve_target(both, ["now", "in:opsbell"], with_own=True) == ("opsbell", ["now"])
    assert resolve_target(alone, ["now"], with_own=True) == ("opsbell", ["now"])
    with pytest.raises(UsageError, match="can only be backed up"):
        resolve_target(both, ["latest", "in:opsbell"])
    with pytest.raises(UsageError, match="names none"):
        resolve_target(alone, ["now"])


def test_nearest() -> None:
    assert nearest("nwo", ["now", "list"]) == "Did you mean now?"
    assert nearest("elephant", ["now", "list"]) == ""
