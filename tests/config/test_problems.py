"""Wrong configurations: each mistake with its place, its line, what was found and expected."""

from pathlib import Path

import pytest

from bot.config import ConfigurationError, load
from tests.config.conftest import Problems

TARGET = """\
targets:
  shop:
    runtime: compose
    directory: /srv/shop
    compose: {project: shop}
"""

ONE_MISTAKE = {
    "unknown key": (
        "slack:\n  mode: http\n  chanels: {}\n",
        'opsbell.yaml:3: slack.chanels: found "chanels", expected one of: mode, command_prefix, '
        "channels (did you mean channels?)",
    ),
    "unknown key where another runtime has it": (
        TARGET + "    services: {}\n",
        'opsbell.yaml:6: targets.shop.services: found "services", expected one of: directory, '
        "files, config, maintenance, health, channels, runtime, compose, database",
    ),
    "key named like the union's tag": (
        TARGET.replace("{project: shop}", "{projekt: x, project: shop}"),
        'opsbell.yaml:5: targets.shop.compose.projekt: found "projekt", expected one of: '
        "project, files, env_file (did you mean project?)",
    ),
    "duplicate key": (
        "data: a\ntimezone: UTC\ndata: b\n",
        'opsbell.yaml:3: data: found "data" a second time (first on line 1), '
        "expected each key once",
    ),
    "duration": (
        "alerts:\n  group_wait: 30 seconds\n",
        'opsbell.yaml:2: alerts.group_wait: found "30 seconds", '
        "expected a duration such as 90s, 15m, 4h, 7d or 1h30m",
    ),
    "duration of nothing": (
        "alerts: {repeat_interval: 0s}\n",
        'opsbell.yaml:1: alerts.repeat_interval: found "0s", expected a duration longer than 0s',
    ),
    "cron line of six fields": (
        "oncall:\n  rotation:\n    people: [U0ALICE001]\n    handover: 0 0 9 * * mon\n",
        'opsbell.yaml:4: oncall.rotation.handover: found "0 0 9 * * mon", expected a cron line '
        'of five fields such as "0 9 * * mon-fri" (not five fields)',
    ),
    "cron line with a bad weekday": (
        "oncall: {rotation: {people: [U0ALICE001], handover: 0 9 * * 8}}\n",
        'opsbell.yaml:1: oncall.rotation.handover: found "0 9 * * 8", expected a cron line of '
        'five fields such as "0 9 * * mon-fri" (bad day-of-week)',
    ),
    "cron line that never comes due": (
        "oncall: {rotation: {people: [U0ALICE001], handover: 0 9 30 2 *}}\n",
        'opsbell.yaml:1: oncall.rotation.handover: found "0 9 30 2 *", expected a cron line of '
        'five fields such as "0 9 * * mon-fri" (bad day-of-month)',
    ),
    "time zone": (
        "timezone: Europe/Berln\n",
        'opsbell.yaml:1: timezone: found "Europe/Berln", '
        "expected a time zone such as Europe/Berlin or UTC (did you mean Europe/Berlin?)",
    ),
    "unset variable": (
        'data: x\nhttp:\n  token: "${HOOK_TOKEN}"\n',
        'opsbell.yaml:3: http.token: found "${HOOK_TOKEN}", expected the environment variable '
        "HOOK_TOKEN to be set, or ${HOOK_TOKEN:-default}",
    ),
    "half a substitution": (
        'data: "a/${b c}"\n',
        'opsbell.yaml:1: data: found "${", expected one of: ${NAME}, ${NAME:-default}, $${ for ${',
    ),
    "text for a number": (
        "checks:\n  d: {kind: disk, path: /, warn: most}\n",
        'opsbell.yaml:2: checks.d.warn: found "most", expected a number',
    ),
    "a number out of range": (
        "checks:\n  d: {kind: disk, path: /, crit: 101}\n",
        'opsbell.yaml:2: checks.d.crit: found "101", expected a number up to 100',
    ),
    "thresholds the wrong way round": (
        "checks:\n  d: {kind: disk, path: /, warn: 95, crit: 90}\n",
        'opsbell.yaml:2: checks.d.crit: found "90", expected a threshold that is not below warn',
    ),
    "a list for a mapping": (
        "checks: [disk]\n",
        "opsbell.yaml:1: checks: found a list, expected a mapping (name: value)",
    ),
    "a list for everything": (
        "- timezone\n",
        "opsbell.yaml:1: found a list, expected a mapping (name: value)",
    ),
    "a text for a list": (
        "oncall:\n  rotation:\n    handover: 0 9 * * 1\n    people: U0ALICE001\n",
        'opsbell.yaml:4: oncall.rotation.people: found "U0ALICE001", expected a list',
    ),
    "missing key": (
        "timezone: UTC\nchecks:\n  d: {kind: disk}\n",
        "opsbell.yaml:3: checks.d.path: found nothing, expected a value, which has no default",
    ),
    "key without a value": (
        "checks:\n  d:\n    kind: disk\n    path:\n",
        "opsbell.yaml:4: checks.d.path: found nothing, expected a value, which has no default",
    ),
    "missing kind": (
        "checks:\n  d: {path: /}\n",
        "opsbell.yaml:2: checks.d.kind: found nothing, expected a value, which has no default",
    ),
    "unknown kind": (
        "checks:\n  d:\n    path: /\n    kind: disc\n",
        'opsbell.yaml:4: checks.d.kind: found "disc", expected one of: disk, sql, logs, '
        "backup_age, http (did you mean disk?)",
    ),
    "unknown choice": (
        "slack: {mode: sockt}\n",
        'opsbell.yaml:1: slack.mode: found "sockt", '
        "expected one of: socket, http (did you mean socket?)",
    ),
    "undefined check": (
        "checks: {app-logs: {kind: disk, path: /}, disk: {kind: disk, path: /}}\n"
        "checklists:\n  daily:\n    title: Daily\n    items:\n"
        "      - {text: Look, check: app-lgs}\n",
        'opsbell.yaml:6: checklists.daily.items[0].check: found "app-lgs", '
        "expected one of: app-logs, disk (did you mean app-logs?)",
    ),
    "undefined check where there is none": (
        "monitors:\n  m: {check: disk}\n",
        'opsbell.yaml:2: monitors.m.check: found "disk", '
        "expected a name from checks, where none is defined",
    ),
    "undefined target as a key": (
        TARGET + "backups:\n  shp:\n    include: [config]\n    store: {directory: b}\n",
        'opsbell.yaml:7: backups.shp: found "shp", expected shop',
    ),
    "undefined target": (
        "checks:\n  a: {kind: backup_age, target: shop}\n",
        'opsbell.yaml:2: checks.a.target: found "shop", '
        "expected a name from targets, where none is defined",
    ),
    "undefined role": (
        "roles: {support: []}\naccess:\n  backup: {role: suport}\n",
        'opsbell.yaml:3: access.backup.role: found "suport", '
        "expected one of: admin, anyone, operator, support (did you mean support?)",
    ),
    "unknown command": (
        "access:\n  bakup: {role: admin}\n",
        'opsbell.yaml:2: access.bakup: found "bakup", expected one of: backup, restore, '
        "maintenance, deploy, checklist, checks, alerts, oncall, incident, ticket, runbook, "
        "report, opsbell (did you mean backup?)",
    ),
    "role that all have": (
        "roles: {anyone: []}\n",
        'opsbell.yaml:1: roles.anyone: found "anyone", '
        "expected another name: everyone holds the role anyone",
    ),
    "name": (
        "checks:\n  a b: {kind: disk, path: /}\n",
        'opsbell.yaml:2: checks.a b: found "a b", '
        "expected a name of letters, digits, - and _, at most 63",
    ),
    "member": (
        "roles: {admin: [alice]}\n",
        'opsbell.yaml:1: roles.admin[0]: found "alice", expected a Slack user ID (U…), '
        "a user group's ID (S…) or its handle (@ops)",
    ),
    "regular expression": (
        TARGET + 'checks:\n  l: {kind: logs, target: shop, service: web, pattern: "a("}\n',
        'opsbell.yaml:7: checks.l.pattern: found "a(", expected a regular expression '
        "(missing ), unterminated subpattern at position 1)",
    ),
    "path that climbs out": (
        TARGET + "    config: [../secrets]\n",
        'opsbell.yaml:6: targets.shop.config[0]: found "../secrets", expected a path without ..',
    ),
    "relative path in a container": (
        TARGET + "    files:\n      media: {service: web, path: media}\n",
        'opsbell.yaml:7: targets.shop.files.media.path: found "media", '
        "expected an absolute path, as it is inside the service's container",
    ),
    "a name that a backup uses itself": (
        TARGET + "    files: {config: etc}\n",
        'opsbell.yaml:6: targets.shop.files.config: found "config", '
        "expected another name: a backup has its own config",
    ),
    "a part that the target does not have": (
        TARGET + "    files: {media: m}\n"
        "backups:\n  shop:\n    store: {directory: b}\n    include:\n      - meda\n",
        'opsbell.yaml:11: backups.shop.include[0]: found "meda", '
        "expected what shop has: media (did you mean media?)",
    ),
    "two stores": (
        TARGET + "    config: [a]\nbackups:\n  shop:\n    include: [config]\n"
        "    store: {directory: b, restic: {repository: r, password: p}}\n",
        "opsbell.yaml:10: backups.shop.store: found a mapping, expected either directory or restic",
    ),
    "a check on a database that is not there": (
        TARGET + "checks:\n  n: {kind: sql, target: shop, query: select 1}\n",
        'opsbell.yaml:7: checks.n.target: found "shop", expected a target with a database',
    ),
    "a check on logs that a host target does not have": (
        "targets: {shop: {runtime: host, directory: d, services: "
        "{web: {restart: [a], logs: l}, job: {restart: [a]}}}}\n"
        "checks:\n  l: {kind: logs, target: shop, service: job, pattern: E}\n",
        'opsbell.yaml:3: checks.l.service: found "job", expected web',
    ),
    "items of the same text": (
        "checklists:\n  d:\n    title: D\n    items:\n      - Look\n      - {text: Look}\n",
        'opsbell.yaml:6: checklists.d.items[1]: found "Look", expected a text not used above',
    ),
    "an item without a text": (
        "checklists:\n  d:\n    title: D\n    items:\n      - Look\n      -\n",
        "opsbell.yaml:6: checklists.d.items[1]: found nothing, expected a mapping (name: value)",
    ),
    "a holiday": (
        "holidays:\n  - 2026-02-30\n",
        'opsbell.yaml:2: holidays[0].date: found "2026-02-30", expected a date such as 2026-12-25',
    ),
    "URL with a password": (
        TARGET + "    health: {url: 'https://me:hunter22@shop.example/'}\n",
        'opsbell.yaml:6: targets.shop.health.url: found "https://me:***@shop.example/", '
        "expected a URL such as https://example.com/healthz, without user and password",
    ),
    "address": (
        "http: {listen: 8080}\n",
        'opsbell.yaml:1: http.listen: found "8080", expected an address such as 127.0.0.1:8080',
    ),
    "step of two kinds": (
        "runbooks:\n  r:\n    title: R\n    steps:\n      - {sql: A, note: B}\n",
        "opsbell.yaml:5: runbooks.r.steps[0]: found a mapping, expected a step of exactly one "
        "kind: run, host, sql, http, wait_healthy, compose, git, backup, restore, maintenance, "
        "approval, note",
    ),
    "command as one text": (
        "runbooks:\n  r:\n    title: R\n    steps:\n      - host: rm -rf /\n",
        'opsbell.yaml:5: runbooks.r.steps[0].host: found "rm -rf /", expected a list',
    ),
    "undeclared parameter": (
        "runbooks:\n  r:\n    title: R\n    params: {days: {type: integer}}\n    steps:\n"
        '      - host: [clean, "{{{days}}}"]\n      - host: [clean, "--older={day}"]\n',
        'opsbell.yaml:7: runbooks.r.steps[1].host[1]: found "--older={day}", expected days',
    ),
    "default that the parameter refuses": (
        "runbooks:\n  r:\n    title: R\n    steps: [{note: N}]\n"
        "    params:\n      n: {type: integer, default: many}\n",
        "opsbell.yaml:6: runbooks.r.params.n: found a mapping, expected as default a whole number",
    ),
    "step that the target cannot do": (
        TARGET + "runbooks:\n  r:\n    title: R\n    target: shop\n    steps:\n"
        "      - {maintenance: on}\n",
        "opsbell.yaml:11: runbooks.r.steps[0].maintenance: found such a step, "
        "expected a maintenance file in shop",
    ),
    "tab": (
        "slack:\n\tmode: http\n",
        "opsbell.yaml:2: found a tab, expected spaces for indentation",
    ),
    "empty file": (
        "# nothing yet\n",
        "opsbell.yaml:1: found an empty file, expected at least one setting, such as timezone: UTC",
    ),
}


@pytest.mark.parametrize(("text", "message"), ONE_MISTAKE.values(), ids=ONE_MISTAKE.keys())
def test_one_mistake_is_one_line(problems: Problems, text: str, message: str) -> None:
    assert problems(text) == message


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1\nb: 2\n", "opsbell.yaml:2: found ':', expected ',' or ']'"),
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


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "opsbell.yaml", {})
    (problem,) = raised.value.problems
    assert (problem.line, problem.found) == (None, "no such file")
    assert problem.expected == (
        "a configuration (copy opsbell.example.yaml, or name another with --config)"
    )


def test_a_file_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "opsbell.yaml"
    path.write_bytes(b"timezone: UTC\ndata: \xff\n")
    with pytest.raises(
        ConfigurationError, match=r"opsbell\.yaml:2: found bytes that are not UTF-8"
    ):
        load(path, {})
    with pytest.raises(ConfigurationError, match="found Is a directory, expected a file"):
        load(tmp_path, {})
