"""Wrong configurations: each mistake with its place, its line, what was found and expected."""

import re
from pathlib import Path

import pytest

from bot.config import ConfigurationError, load
from tests.config.conftest import Problems

MISTAKES = Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8")
ONE_MISTAKE = re.findall(r"^=== (.+)\n((?:.*\n)*?)>>> (.+)\n", MISTAKES, re.MULTILINE)
"""Name, configuration and message of each case in mistakes.txt."""


@pytest.mark.parametrize(
    ("text", "message"),
    [pytest.param(text, message, id=name) for name, text, message in ONE_MISTAKE],
)
def test_one_mistake_is_one_line(problems: Problems, text: str, message: str) -> None:
    assert problems(text) == message


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1\nb: 2\n", "opsbell.yaml:2: found ':', expected ',' or ']'"),
        ("slack: {mode: socket\n", "opsbell.yaml:1: found a { that is never closed, expected a }"),
        ("a: [1,\nb: 2\n", "opsbell.yaml:1: found a [ that is never closed, expected a ] for it"),
        ("x: 1\na: {b: [{c: d}], e: [\n", "opsbell.yaml:2: found a [ that is never closed"),
        ('x: 1\ntimezone: "UTC', 'opsbell.yaml:2: found a " that is never closed, expected a "'),
        ("x: 1\ntimezone: 'UTC\n\n", "opsbell.yaml:2: found a ' that is never closed"),
        ('a: "x\n---\nb: "y"\n', 'opsbell.yaml:1: found a " that is never closed'),
        ('a: "\\x', "opsbell.yaml:1: found the end of the file, expected escape sequence of 2"),
        ("timezone: UTC: x\n", 'opsbell.yaml:1: found a ": " where none can stand'),
        ("a: *b\n", "opsbell.yaml:1: found undefined alias"),
        ("---\na: 1\n---\nb: 2\n", "opsbell.yaml:3: found another document"),
        ("a: 1\nb: \x07\n", "opsbell.yaml:2: found an unprintable character, expected YAML text"),
        ("? [a]\n: b\n", "opsbell.yaml:1: found a key that is a list or a mapping"),
        ("roles: &a {admin: *a}\n", "opsbell.yaml:1: roles.admin: found an alias inside its own"),
    ],
)
def test_broken_yaml_names_its_line(problems: Problems, text: str, start: str) -> None:
    assert problems(text).startswith(start)


def test_every_case_of_the_file_is_run() -> None:
    assert len(ONE_MISTAKE) == MISTAKES.count("=== ") == MISTAKES.count(">>> ") > 50


def test_all_problems_come_at_once_in_the_files_order(problems: Problems) -> None:
    text = """\
timezone: Mars/Olympus
slack: {mode: carrier-pigeon}
http: {token: "${UNSET}"}
roles: {admin: [alice]}
targets:
  shop: {runtime: compose, directory: d, compose: {project: shop}, files: {media: m}}
backups:
  shop: {schedule: daily, include: [media, logs], store: {directory: b}, keep: {last: 0}}
checks:
  disk: {kind: disk, path: /, warn: lots}
  disk: {kind: disk, path: /}
checklists:
  daily: {title: D, items: [{text: a, check: dsk}], due: soon, chanel: ops}
runbooks:
  r: {title: R, target: shp, steps: [{sql: "{x}"}]}
"""
    lines = problems(text).splitlines()
    places = [line.split(": ")[:2] for line in lines]
    assert places == [
        ["opsbell.yaml:1", "timezone"],
        ["opsbell.yaml:2", "slack.mode"],
        ["opsbell.yaml:3", "http.token"],
        ["opsbell.yaml:4", "roles.admin[0]"],
        ["opsbell.yaml:8", "backups.shop.schedule"],
        ["opsbell.yaml:8", "backups.shop.keep.last"],
        ["opsbell.yaml:8", "backups.shop.include[1]"],
        ["opsbell.yaml:10", "checks.disk.warn"],
        ["opsbell.yaml:11", "checks.disk"],
        ["opsbell.yaml:13", "checklists.daily.due"],
        ["opsbell.yaml:13", "checklists.daily.items[0].check"],
        ["opsbell.yaml:13", "checklists.daily.chanel"],
        ["opsbell.yaml:15", "runbooks.r.target"],
    ]


def test_several_problems_at_one_place_are_all_told(problems: Problems) -> None:
    text = 'data: "${A1}-${B1}-${A1}"\nhttp: {listen: "${HOST1}:${PORT1}"}\n'
    assert problems(text).splitlines() == [
        f'opsbell.yaml:{line}: {place}: found "${{{name}}}", expected the environment variable'
        f" {name} to be set, or ${{{name}:-default}}"
        for line, place, name in [
            (1, "data", "A1"),
            (1, "data", "B1"),
            (2, "http.listen", "HOST1"),
            (2, "http.listen", "PORT1"),
        ]
    ]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "opsbell.yaml", {})
    (problem,) = raised.value.problems
    assert (problem.line, problem.found) == (None, "no such file")
    assert problem.expected == ("a configuration (opsbell init writes one, --config names another)")


def test_a_file_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    path.write_bytes(b"timezone: UTC\ndata: \xff\n")
    with pytest.raises(
        ConfigurationError, match=r"opsbell\.yaml:2: found bytes that are not UTF-8"
    ):
        load(path, {})
    with pytest.raises(
        ConfigurationError,
        match="found Is a directory, expected a file that Opsbell's user may read",
    ):
        load(tmp_path, {})
