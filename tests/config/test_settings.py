"""Defaults, access, targets, holidays: what the settings answer."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.config import Settings
from bot.config.access import COMMANDS, DEFAULT_ACCESS
from bot.config.targets import ComposeTarget, HostTarget, SwarmTarget
from bot.config.values import parse_duration
from tests.config.conftest import Load, Problems

TWO_TARGETS = """\
targets:
  shop: {runtime: compose, directory: /srv/shop, compose: {project: shop}, channels: [shop-ops]}
  blog: {runtime: host, directory: /srv/blog, channels: [C0BLOG]}
"""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("4h", 14400),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1d2h3m4s", 93784),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "90", "m", "-1h", "1.5h", "30m1h", "1h 30m", "1w", "9999999d", "٣h"]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_every_command_has_a_default_and_unknown_ones_are_the_admins() -> None:
    assert set(DEFAULT_ACCESS) == set(COMMANDS)
    settings = Settings()
    assert (settings.rule("restore").role, settings.rule("restore").approvals) == ("admin", 1)
    assert settings.rule("checklist").role == "anyone"
    assert settings.rule("format-disk").role == "admin"


def test_a_rule_keeps_what_it_does_not_name(loaded: Load) -> None:
    settings = loaded("access: {restore: {role: operator}, deploy: {approvals: 2}}\n")
    assert (settings.rule("restore").role, settings.rule("restore").approvals) == ("operator", 1)
    assert (settings.rule("deploy").role, settings.rule("deploy").approvals) == ("operator", 2)


def test_those_let_through_are_networks(loaded: Load) -> None:
    allow = '[192.0.2.7, 198.51.100.0/24, "2001:db8::/32"]'
    settings = loaded(
        "targets: {shop: {runtime: host, directory: /srv/shop,"
        f" maintenance: {{file: closed, allow: {allow}}}}}}}\n"
    )
    maintenance = settings.target("shop").maintenance
    assert maintenance
    written = [str(network) for network in maintenance.allow]
    assert written == ["192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"]


def test_targets_by_name_and_by_channel(loaded: Load) -> None:
    settings = loaded(TWO_TARGETS)
    assert isinstance(settings.target("shop"), ComposeTarget)
    assert isinstance(settings.target("blog"), HostTarget)
    assert settings.only_target() is None
    assert settings.target_of_channel("C0BLOG", "blog-ops") == "blog"
    assert settings.target_of_channel("C0SHOP", "shop-ops") == "shop"
    assert settings.target_of_channel("C0OPS", "ops") is None
    with pytest.raises(KeyError):
        settings.target("wiki")
    assert Settings().only_target() is None


def test_a_swarm_target(loaded: Load) -> None:
    text = """\
targets:
  shop:
    runtime: swarm
    directory: /srv/shop
    swarm: {stack: shop, files: [stack.yml]}
    database: {service: db, user: shop, name: shop}
"""
    settings = loaded(text)
    target = settings.target("shop")
    assert isinstance(target, SwarmTarget)
    assert target.swarm.stack == "shop"
    assert settings.only_target() == "shop"


def test_channels_have_aliases(loaded: Load) -> None:
    slack = loaded("slack: {channels: {ops: C0OPS}}\n").slack
    assert [slack.channel(name) for name in ("ops", "alerts", "random")] == [
        "C0OPS",
        "alerts",
        "random",
    ]


@pytest.mark.parametrize(
    ("value", "embedded"),
    [
        ("embedded", True),
        ("postgresql://u:p@db/opsbell", False),
        ("postgres:///o?host=/run", False),
    ],
)
def test_the_database(loaded: Load, value: str, embedded: bool) -> None:
    database = loaded(f"database: {value}\n").database
    assert (database is None) == embedded
    assert database is None or database.reveal() == value


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("0.0.0.0:80", "0.0.0.0", 80), ('"[::1]:8080"', "::1", 8080)],  # noqa: S104
)
def test_listen_addresses(loaded: Load, text: str, host: str, port: int) -> None:
    listen = loaded(f"http: {{listen: {text}}}\n").http.listen
    assert (listen.host, listen.port) == (host, port)
    assert str(listen) == text.strip('"')


@pytest.mark.parametrize(
    "text", ["localhost", ":8080", "host:99999", "a b:1", "http://h:1", "h:1/x"]
)
def test_other_listen_addresses_are_refused(problems: Problems, text: str) -> None:
    assert "expected an address such as" in problems(f'http: {{listen: "{text}"}}\n')


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 12, 24), "2026-12-24"),
        (date(2026, 12, 25), "Christmas Day"),
        (date(2027, 1, 1), "a holiday"),
        (date(2026, 11, 22), "sun"),
        (date(2026, 11, 23), None),
    ],
)
def test_days_that_are_skipped(loaded: Load, day: date, reason: str | None) -> None:
    settings = loaded("""\
holidays: [{date: 2026-12-25, name: Christmas Day}, 2027-01-01]
checklists:
  d: {title: D, items: [a], skip_on: [holidays, sun, 2026-12-24]}
  e: {title: E, items: [a]}
""")
    assert settings.checklists["d"].skipped(day, settings.holidays) == reason
    assert settings.checklists["e"].skipped(day, settings.holidays) is None


OWN = """
data: ./var
targets: {shop: {runtime: host, directory: /srv/shop}}
backups: {opsbell: {include: [config, database], store: {directory: b}}}
checks: {own: {kind: backup_age, target: opsbell}}
"""


def test_opsbell_itself_is_a_target_where_it_is_backed_up(loaded: Load, tmp_path: Path) -> None:
    settings = loaded(OWN)
    own = settings.target("opsbell")
    assert isinstance(own, HostTarget)
    assert [str(path) for path in own.config] == [
        str(tmp_path / "opsbell.yaml"),
        str(tmp_path / "var" / "audit.key"),
    ]
    assert own.database
    assert own.database.url.reveal().startswith("postgresql://postgres@/postgres?host=%2F")
    # What is typed without a target is meant for the application.
    assert settings.only_target() == "shop"
    elsewhere = loaded(f'database: "postgresql://me:secret@db/opsbell"{OWN}').target("opsbell")
    assert isinstance(elsewhere, HostTarget)
    assert elsewhere.database
    assert elsewhere.database.url.reveal() == "postgresql://me:secret@db/opsbell"


def test_opsbell_itself_is_no_target_otherwise(loaded: Load) -> None:
    assert list(loaded("targets: {shop: {runtime: host, directory: d}}").targets) == ["shop"]
