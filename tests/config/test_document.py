"""Reading: substitution, plain values, paths."""

from pathlib import Path

import pytest

from bot.config.document import read
from tests.config.conftest import Load, Problems


def test_variables_are_replaced_in_values_and_never_add_keys(loaded: Load) -> None:
    text = 'data: "${HOME_OF_DATA}/x"\ntimezone: "${ZONE:-Europe/Berlin}"\n'
    settings = loaded(text, {"HOME_OF_DATA": "/srv\nhttp: {listen: 0.0.0.0:1}", "ZONE": ""})
    assert settings.data == Path("/srv\nhttp: {listen: 0.0.0.0:1}/x")
    assert str(settings.timezone) == "Europe/Berlin"
    assert settings.http.listen.port == 8080


def test_a_variable_set_to_nothing_is_set() -> None:
    document = read('a: "<${A}>"\nb: "${B:-}"\n', {"A": ""})
    assert document.data == {"a": "<>", "b": ""}
    assert document.problems == []


def test_a_doubled_dollar_is_the_text_itself() -> None:
    document = read('a: "$${A} $A $5 ${A}"\n', {"A": "x"})
    assert document.data == {"a": "${A} $A $5 x"}


def test_substituted_values_become_numbers_and_switches(loaded: Load) -> None:
    text = """\
checks: {d: {kind: disk, path: /, warn: "${WARN}", timeout: "${T:-5s}"}}
runbooks: {r: {title: R, steps: [{note: n, always: "${ALWAYS}", timeout: 1h30m}]}}
access: {restore: {approvals: "${N}"}}
"""
    settings = loaded(text, {"WARN": "62.5", "ALWAYS": "true", "N": "2"})
    check, step = settings.checks["d"], settings.runbooks["r"].steps[0]
    assert (check.kind, check.warn) == ("disk", 62.5)
    assert check.timeout.total_seconds() == 5
    assert (step.always, step.timeout.total_seconds()) == (True, 5400)
    assert settings.access["restore"].approvals == 2


def test_plain_values_stay_as_they_are_written() -> None:
    text = "a: 0049\nb: 1:30\nc: on\nd: 1.10\ne: 2026-12-25\nf: ~\ng: null\nh:\ni: 'null'\nj: +49\n"
    assert read(text, {}).data == {
        "a": "0049",
        "b": "1:30",
        "c": "on",
        "d": "1.10",
        "e": "2026-12-25",
        "i": "null",
        "j": "+49",
    }


def test_anchors_work_and_merge_keys_are_keys() -> None:
    assert read("a: &x [1, 2]\nb: *x\n", {}).data == {"a": ["1", "2"], "b": ["1", "2"]}
    assert read("a: {<<: {b: c}}\n", {}).data == {"a": {"<<": {"b": "c"}}}


def test_relative_paths_start_at_the_files_directory(loaded: Load, tmp_path: Path) -> None:
    text = """\
targets: {shop: {runtime: host, directory: ../shop, config: [settings.ini]}}
backups: {shop: {include: [config], store: {directory: /mnt/backups}}}
"""
    settings = loaded(text)
    target = settings.target("shop")
    assert settings.data == tmp_path / "var"
    assert target.directory == tmp_path / "../shop"
    assert target.path(target.config[0]) == tmp_path / "../shop/settings.ini"
    assert settings.backups["shop"].store.directory == Path("/mnt/backups")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("./sets", "DIRECTORY/sets"),
        ("local:sets", "DIRECTORY/sets"),
        ("../with:colon", "DIRECTORY/../with:colon"),
        ("s3", "DIRECTORY/s3"),
        ("~/sets", str(Path.home() / "sets")),
        ("/srv/sets", "/srv/sets"),
        ("sftp:backup@host:sets", "sftp:backup@host:sets"),
        ("rest:https://host/sets", "rest:https://host/sets"),
    ],
)
def test_a_restic_repository_without_a_scheme_is_a_path(
    loaded: Load, tmp_path: Path, written: str, read: str
) -> None:
    text = f"""\
targets: {{shop: {{runtime: host, directory: shop, config: [settings.ini]}}}}
backups:
  shop: {{include: [config], store: {{restic: {{repository: "{written}", password: x}}}}}}
"""
    restic = loaded(text).backups["shop"].store.restic
    assert restic
    assert restic.repository.reveal() == read.replace("DIRECTORY", str(tmp_path))


def test_a_value_from_the_environment_is_never_shown(problems: Problems) -> None:
    text = 'timezone: "${CANARY}"\nalerts: {group_wait: "a${CANARY}b"}\nslack: "${CANARY}"\n'
    message = problems(text, {"CANARY": "kestrel-93"})
    assert message.count("${CANARY}") == 3
    assert "kestrel" not in message


def test_aliases_that_multiply_are_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    [problem] = read(bomb, {}).problems
    assert problem.found.startswith("more than 100000 values")


@pytest.mark.parametrize("text", ["[" * 5000, "".join(f"{' ' * n}k:\n" for n in range(1500))])
def test_what_is_nested_too_deeply_is_a_problem(text: str) -> None:
    [problem] = read(text, {}).problems
    assert problem.found == "values nested too deeply"
