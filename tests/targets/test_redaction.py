"""One redactor that knows every secret as it is now."""

from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from bot.errors import Unavailable
from bot.targets.redaction import LiveRedactor
from bot.targets.targets import Targets
from tests.targets.places import host_settings


def targets_of(*directories: Path, **more: Any) -> Targets:
    """A target for each directory, named after it, with `.env` as its environment file."""
    there = {each.name: host_settings(each, config=[".env"], **more) for each in directories}
    return Targets(Settings.model_validate({"targets": there}))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / ".env").write_text("API_TOKEN=first-canary\n")
    return directory


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    directory = tmp_path / "blog"
    directory.mkdir()
    (directory / ".env").write_text("API_TOKEN=blog-canary\n")
    return directory


def make_unreadable(file: Path) -> None:
    """A directory in its place: to root every file's mode is readable."""
    file.unlink()
    file.mkdir()


def test_it_knows_the_configuration_all_targets_and_what_else_it_is_given(
    shop: Path, blog: Path
) -> None:
    database = {"url": "postgresql://shop:database-canary@127.0.0.1:1/shop"}
    redactor = targets_of(shop, blog, database=database).redactor(["slack-canary"])
    said = "first-canary blog-canary database-canary slack-canary plain"
    assert redactor.redact(said) == "*** *** *** *** plain"


def test_a_file_that_changes_is_read_again_and_old_secrets_stay_hidden(shop: Path) -> None:
    redactor = targets_of(shop).redactor()
    assert redactor.redact("first-canary second-canary") == "*** second-canary"
    (shop / ".env").write_text("API_TOKEN=second-canary\n")
    assert redactor.redact("first-canary second-canary") == "*** ***"
    (shop / ".env").unlink()
    assert redactor.redact("first-canary second-canary", whose="shop") == "*** ***"


def test_a_file_that_does_not_change_is_read_once(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redactor = targets_of(shop).redactor()
    redactor.redact("")
    monkeypatch.setattr(Path, "read_text", None)
    assert redactor.redact("first-canary") == "***"


def test_one_that_cannot_be_read_hides_nothing_of_the_others(shop: Path, blog: Path) -> None:
    make_unreadable(shop / ".env")
    redactor = targets_of(shop, blog).redactor()
    assert redactor.redact("blog-canary") == "***"
    assert redactor.redact("blog-canary", whose="blog") == "***"
    with pytest.raises(Unavailable, match=r"shop/\.env cannot be read: Is a directory"):
        redactor.redact("anything", whose="shop")


def test_what_was_known_stays_known_while_it_cannot_be_read(shop: Path) -> None:
    redactor = targets_of(shop).redactor()
    assert redactor.redact("first-canary") == "***"
    make_unreadable(shop / ".env")
    assert redactor.redact("first-canary") == "***"
    with pytest.raises(Unavailable):
        redactor.redact("first-canary", whose="shop")
    (shop / ".env").rmdir()
    (shop / ".env").write_text("API_TOKEN=third-canary\n")
    assert redactor.redact("first-canary third-canary", whose="shop") == "*** ***"


async def test_a_target_hides_the_secrets_of_all(shop: Path, blog: Path) -> None:
    async with targets_of(shop, blog) as targets:
        assert targets.get("shop").redact("blog-canary first-canary") == "*** ***"


def test_it_needs_no_target() -> None:
    assert LiveRedactor({}, []).redact("password=hunter2") == "password=***"


def test_a_dollar_sign_is_read_as_compose_does_and_as_it_stands(shop: Path) -> None:
    (shop / ".env").write_text('SECRET_KEY="q9$zz7(e)+f#ghij!xyz"\n')
    redactor = targets_of(shop).redactor()
    said = redactor.redact("as it stands q9$zz7(e)+f#ghij!xyz, in Compose q9(e)+f#ghij!xyz.")
    assert said == "as it stands ***, in Compose ***."
