"""Defaults, access, targets, holidays, parameters: what the settings answer."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config import Settings
from bot.config.access import COMMANDS, DEFAULT_ACCESS, AccessRule
from bot.config.runbooks import Param
from bot.config.steps import Step, placeholders
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


@pytest.mark.parametrize(
    ("param", "given"),
    [
        ({"type": "choice", "choices": ["a", "b"]}, "b"),
        ({"type": "integer"}, "-12"),
        ({"type": "boolean"}, "true"),
        ({"type": "text"}, "a b; $(c)"),
        ({"type": "text", "pattern": "-[a-z]"}, "-v"),
    ],
)
def test_parameters_accept(param: dict[str, object], given: str) -> None:
    assert Param.model_validate(param).accept(given) == given


@pytest.mark.parametrize(
    ("param", "given", "expected"),
    [
        ({"type": "choice", "choices": ["a", "b"]}, "c", "one of: a, b"),
        ({"type": "integer"}, "1e3", "a whole number"),
        ({"type": "integer"}, "٣", "a whole number"),
        ({"type": "boolean"}, "yes", "true or false"),
        ({"type": "text"}, "--force", "a text that does not begin with a dash"),
        ({"type": "text", "pattern": "[a-z]+"}, "abc\n", "a text that matches"),
        ({"type": "text", "pattern": "(a+)+b"}, "a" * 501, "at most 500 characters"),
        ({"type": "text"}, "two\nlines", "a single line without control characters"),
        ({"type": "text"}, "zero\0byte", "a single line without control characters"),
    ],
)
def test_parameters_refuse(param: dict[str, object], given: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Param.model_validate(param).accept(given)


@pytest.mark.parametrize(
    "param",
    [{"type": "choice"}, {"choices": ["a"]}, {"type": "integer", "pattern": "1"}],
)
def test_parameters_that_contradict_themselves(param: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Param.model_validate(param)


def test_placeholders() -> None:
    assert placeholders("{a} {{b}} {c-1} {{{d}}} {e f} {}") == ("a", "c-1", "d")


def test_parameters_are_looked_for_in_undo_and_conditions(problems: Problems) -> None:
    text = """\
runbooks:
  r:
    title: R
    params: {x: {}}
    steps:
      - run: {service: web, command: [echo, "{a}"]}
        undo:
          - host: [b, "{b}"]
        if: {param: {c: "1"}}
"""
    places = [line.split(": ")[1] for line in problems(text).splitlines()]
    assert places == [
        "runbooks.r.steps[0].run.command[1]",
        "runbooks.r.steps[0].undo[0].host[1]",
        "runbooks.r.steps[0].if.param.c",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "echo {x}"],
        ["/bin/bash", "-ec", "{x}"],
        ["sudo", "-n", "sh", "-lc", "rm {x}"],
        ["python3.11", "-c", "print('{x}')"],
        ["python", "manage.py", "shell", "-c", "print({x})"],
        ["env", "A=1", "perl", "-e", "{x}"],
        ["psql", "--command", "select {x}"],
        ["su", "postgres", "-c", "psql {x}"],
        ["ssh", "host", "ls", "{x}"],
        ["{x}", "a"],
        ["./scripts/{x}.sh"],
        ["-c", "{x}"],
    ],
)
@pytest.mark.parametrize("kind", ["host", "run", "undo"])
def test_no_parameter_stands_in_the_text_of_a_program(command: list[str], kind: str) -> None:
    given: dict[str, object] = {"host": command}
    if kind == "run":
        given = {"run": {"service": "web", "command": command}}
    if kind == "undo":
        given = {"note": "x", "undo": [{"host": command}]}
    with pytest.raises(
        ValidationError, match=r"no parameter for ssh|an argument of its own|a program, then"
    ):
        Step.model_validate(given)


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'echo "$1"', "sh", "{x}"],
        ["grep", "-e", "{x}", "file"],
        ["python", "manage.py", "createsuperuser", "--email", "{x}"],
        ["sh", "-c", "echo {{x}}"],
    ],
)
def test_a_parameter_as_an_argument_of_its_own_is_fine(command: list[str]) -> None:
    assert Step.model_validate({"host": command}).host == tuple(command)


@pytest.mark.parametrize(
    "step",
    [
        {"backup": {}, "undo": [{"note": "x"}]},
        {"note": "x", "undo": [{"restore": {}}]},
        {"note": "x", "undo": [{"note": "y", "undo": [{"note": "z"}]}]},
    ],
)
def test_what_cannot_take_a_step_back(step: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"no undo on backup|steps of other kinds"):
        Step.model_validate(step)


def test_a_runbook_takes_its_own_role_and_the_commands_approvals() -> None:
    settings = Settings.model_validate(
        {
            "access": {"runbook": {"approvals": 2}},
            "runbooks": {
                "tidy": {"title": "T", "role": "anyone", "steps": [{"note": "x"}]},
                "back": {"title": "B", "role": "operator", "steps": [{"restore": {}}]},
            },
        }
    )
    assert settings.rule("runbook tidy") == AccessRule(role="anyone", approvals=2)
    assert settings.rule("runbook") == AccessRule(role="operator", approvals=2)
    assert settings.rule("runbook nothing") == AccessRule(role="admin")
    assert settings.rule("runbook back").approvals == 2
    careful = settings.model_copy(update={"access": {"restore": AccessRule(approvals=3)}})
    assert careful.rule("runbook back") == AccessRule(role="operator", approvals=3)
    assert careful.rule("runbook tidy") == AccessRule(role="anyone", approvals=0)


@pytest.mark.parametrize("name", ["list", "plan"])
def test_a_runbook_is_not_called_like_a_word_of_the_command(name: str) -> None:
    with pytest.raises(ValidationError, match="has a meaning of its own"):
        Settings.model_validate({"runbooks": {name: {"title": "T", "steps": [{"note": "x"}]}}})


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
