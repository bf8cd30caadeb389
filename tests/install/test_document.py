"""Every opsbell.yaml that init writes loads and says what was chosen, whatever was chosen."""

from __future__ import annotations

import itertools
from pathlib import Path, PurePosixPath

import pytest
import yaml

from bot.config.load import load
from bot.config.settings import Settings
from bot.config.targets import ComposeTarget
from bot.install.discovery import DatabaseFound, FilesFound, Found
from bot.install.document import CHECKLISTS, Choices, document, scalar
from bot.targets.projects import Project, Service

SHOP = Path("/srv/shop")
EVERYTHING = Found(
    database=DatabaseFound("db", "shop_user", "shop_prod"),
    web=Service("web", "shop", running=True),
    files=(FilesFound("media", "/app/media", "web"), FilesFound("logs", "logs")),
    config=(".env.production", "docker-compose.yml"),
)


def choices(
    found: Found = EVERYTHING,
    *,
    project: Project | None = None,
    target: str = "shop",
    channel: str = "ops",
    backups: str = "./var/backups",
    health_url: str = "",
    in_container: bool = False,
) -> Choices:
    files, env_files = (SHOP / "docker-compose.yml",), (SHOP / ".env.production",)
    return Choices(
        target=target,
        project=project or Project("shop", SHOP, files, env_files),
        found=found,
        admin="U0ALICE001",
        channel=channel,
        timezone="Europe/Berlin",
        mode="http",
        backups=backups,
        health_url=health_url,
        in_container=in_container,
    )


def loaded(tmp_path: Path, chosen: Choices) -> Settings:
    path = tmp_path / "opsbell.yaml"
    path.write_text(document(chosen))
    return load(path, {})


def test_what_was_chosen_is_what_it_says(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8000/healthz"
    settings = loaded(tmp_path, choices(health_url=url))
    target = settings.target("shop")
    assert isinstance(target, ComposeTarget)
    assert target.directory == SHOP
    assert target.compose.project == "shop"
    assert target.compose.files == (PurePosixPath("docker-compose.yml"),)
    assert target.compose.env_file == PurePosixPath(".env.production")
    assert target.database is not None
    assert (target.database.user, target.database.name) == ("shop_user", "shop_prod")
    assert target.files["media"].service == "web"
    assert target.health is not None
    assert target.health.url == url
    assert settings.roles == {"operator": ("U0ALICE001",), "admin": ("U0ALICE001",)}
    assert settings.rule("restore").approvals == 0
    assert settings.slack.mode == "http"
    assert str(settings.timezone) == "Europe/Berlin"
    policy = settings.backups["shop"]
    assert policy.include == ("database", "media", "logs", "config")
    assert policy.store.directory == tmp_path / "var/backups"


def test_the_guides_lists_have_the_evidence_that_there_is(tmp_path: Path) -> None:
    settings = loaded(tmp_path, choices(health_url="http://127.0.0.1:8000/"))
    assert [(name, len(each.items)) for name, each in settings.checklists.items()] == [
        ("daily", 5),
        ("weekly", 5),
        ("monthly", 5),
    ]
    evidence = {i.text: i.check for each in settings.checklists.values() for i in each.items}
    assert evidence["Monitor application logs for errors"] == "app-logs"
    assert evidence["Check backup completion status"] == "backup"
    assert evidence["Analyze application performance metrics"] == "response"
    assert evidence["Review user support tickets"] is None
    named = {check for *_, items in CHECKLISTS.values() for _, checks in items for check in checks}
    assert named == settings.checks.keys()


@pytest.mark.parametrize(
    ("database", "web", "files", "config", "healthy", "in_container"),
    list(itertools.product([False, True], repeat=6)),
)
def test_whatever_was_found_it_loads(
    tmp_path: Path,
    database: bool,
    web: bool,
    files: bool,
    config: bool,
    healthy: bool,
    in_container: bool,
) -> None:
    found = Found(
        database=EVERYTHING.database if database else None,
        web=EVERYTHING.web if web else None,
        files=EVERYTHING.files if files else (),
        config=EVERYTHING.config if config else (),
    )
    url = "http://web:8000/healthz" if healthy else ""
    chosen = choices(found, health_url=url, in_container=in_container)
    settings = loaded(tmp_path, chosen)
    assert ("response" in settings.checks) is healthy
    assert bool(settings.backups) is (database or files or config)
    assert str(settings.http.listen) == ("0.0.0.0:8080" if in_container else "127.0.0.1:8080")


NASTY = [
    "plain",
    "with spaces, commas: and {braces}",
    "${HOME}",
    "quotes \" and \\ and '",
    "#comment",
    "null",
    "- item",
    "ünïcode 🔵",
    "@at",
    "trailing: ",
    "yes",
]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_stands_for_itself(tmp_path: Path, text: str) -> None:
    assert yaml.safe_load(f"[{scalar(text)}]") == [text.replace("${", "$${")]
    directory = tmp_path / text.replace("/", "_")
    project = Project("shop", directory, (directory / "a b.yml",), ())
    place = DatabaseFound(text, text, text)
    settings = loaded(
        tmp_path, choices(Found(database=place), project=project, channel=text, backups=f"./{text}")
    )
    target = settings.target("shop")
    assert isinstance(target, ComposeTarget)
    assert target.directory == directory
    assert target.database is not None
    assert {target.database.user, target.database.name, target.database.service} == {text}
    assert settings.slack.channels.alerts == text
    assert settings.backups["shop"].store.directory == tmp_path / text


@pytest.mark.parametrize("name", ["null", "123", "on", "a_b-c"])
def test_any_name_of_a_target_is_one(tmp_path: Path, name: str) -> None:
    settings = loaded(tmp_path, choices(target=name))
    assert settings.only_target() == name
