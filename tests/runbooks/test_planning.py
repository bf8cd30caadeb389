"""What configured runbooks would do: parameters, facts, commands as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.config.load import load
from bot.config.settings import Settings
from bot.errors import NotFound, Refused, UsageError
from bot.operations.plan import Confirm, Plan, Recovery
from bot.store.database import Database
from tests.runbooks.bench import Bench, open_bench

ROOT = Path(__file__).parents[2]
NASTY = [
    "$(touch hacked)",
    "; touch hacked",
    "`touch hacked`",
    "'; drop table x; --",
    "{other}",
    '"',
]


def settings(directory: Path, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One runbook called `tidy` on a target of this machine."""
    url = "postgresql://alice@127.0.0.1:1/grandvps"
    target = {"runtime": "host", "directory": str(directory), "database": {"url": url}}
    target |= {"services": {"web": {"restart": ["true"]}}}
    target |= {"health": {"url": "http://127.0.0.1:1/healthz"}}
    params = {
        "name": {},
        "mode": {"type": "choice", "choices": ["soft", "hard"], "default": "soft"},
    }
    tidy = {"title": "Tidy up", "target": "grandvps", "params": params, "steps": list(steps)}
    return {"targets": {"grandvps": target}, "runbooks": {"tidy": tidy | more}}


@pytest.fixture
def plan_of(tmp_path: Path, database: Database) -> Any:
    """Plans the steps of a runbook called `tidy` in the test's directory."""

    async def planned(*steps: dict[str, Any], **given: str) -> Plan:
        async with open_bench(settings(tmp_path, *steps), database) as bench:
            plan = await bench.runbooks.plan("tidy", "grandvps", {"name": "x", **given})
            again = await bench.runbooks.plan("tidy", "grandvps", dict(plan.parameters))
            assert plan.differences(again) == []
            assert Plan.from_json(plan.as_json()) == plan
            return plan

    return planned


@pytest.mark.parametrize("value", NASTY)
async def test_a_parameter_is_an_argument_whatever_it_holds(plan_of: Any, value: str) -> None:
    plan = await plan_of(
        {"host": ["echo", "{name}", "a {name} b {{name}}"]},
        {"run": {"service": "web", "command": ["echo", "--to={name}"]}},
        {"sql": "delete from x where y = {name}"},
        {"note": "Look at {name}"},
        {"approval": {"role": "admin", "text": "Really {name}?"}},
        name=value,
    )
    host, run, sql, note, approval = plan.steps
    assert host.arguments["command"] == ["echo", value, f"a {value} b {{name}}"]
    assert run.arguments == {"service": "web", "command": ["echo", f"--to={value}"]}
    assert sql.arguments["text"] == "delete from x where y = :'opsbell_0'"
    assert sql.arguments["variables"] == {"opsbell_0": value, "opsbell_1": "soft"}
    assert note.arguments["text"] == f"Look at {value}"
    assert approval.arguments == {"role": "admin", "count": 1, "text": f"Really {value}?"}


async def test_commands_are_shown_as_they_are_typed(plan_of: Any, tmp_path: Path) -> None:
    plan = await plan_of(
        {"host": ["rm", "{name}"], "undo": [{"host": ["touch", "{name}"]}], "timeout": "5s"},
        {"wait_healthy": {"within": "30s"}, "always": True, "title": "Well?"},
        {"http": {"url": "http://127.0.0.1:1/", "expect": 301}, "retries": 2},
        name="a b",
    )
    host, well, http = plan.steps
    assert host.command == f"cd {tmp_path} && rm 'a b'"
    assert host.undo == f"cd {tmp_path} && touch 'a b'"
    assert (host.limit, host.retries, host.repeatable) == (5, 0, False)
    assert (well.title, well.always, well.repeatable) == ("Well?", True, True)
    assert http.command == "GET http://127.0.0.1:1/ until 301, for at most 1 min"
    assert (http.retries, plan.confirm, plan.recovery) == (2, Confirm.ASK, Recovery.ASK)
    assert plan.rule == "runbook tidy"


async def test_nothing_that_people_read_shows_a_secret(tmp_path: Path, database: Database) -> None:
    hidden = "canary-4f1c9a7d"
    (tmp_path / ".env").write_text(f"API_TOKEN={hidden}\n")
    steps = (
        {"host": ["env", "PGPASSWORD=hunter22", "pg_dump"]},
        {"run": {"service": "web", "command": ["env", f"A={hidden}", f"/opt/{hidden}"]}},
        {"sql": f"select set_config('app.key', '{hidden}', false)"},
        {"sql": f"select '{'x' * 44}{hidden}'"},
        {"http": {"url": "http://127.0.0.1:1/?token=hunter22"}},
        {"http": {"url": f"http://127.0.0.1:1/{hidden}"}, "title": f"Ask {hidden}"},
        {"note": f"The key is {hidden}", "undo": [{"note": f"It was {hidden}"}]},
        {"approval": {"role": "admin", "text": "{name}?"}},
        {"note": "a", "if": {"param": {"name": "other"}}},
    )
    wanted = settings(tmp_path, *steps)
    wanted["targets"]["grandvps"]["config"] = [".env"]
    async with open_bench(wanted, database) as bench:
        plan = await bench.runbooks.plan("tidy", "grandvps", {"name": hidden})
    shown = [(step.title, step.command, step.risk, step.undo, step.left_out) for step in plan.steps]
    told = json.dumps([shown, plan.notes, [s.arguments.get("text") for s in plan.steps[6:]]])
    assert "hunter22" not in told
    assert "canary" not in told
    assert [step.title for step in plan.steps][:2] == ["pg_dump", "*** in web"]
    assert plan.steps[0].arguments["command"][1] == "PGPASSWORD=hunter22"
    assert plan.steps[5].arguments["url"].endswith(hidden)


async def test_sql_that_is_taken_back_is_not_said_to_stay(plan_of: Any) -> None:
    plan = await plan_of({"sql": "select 1"}, {"sql": "select 1", "undo": [{"sql": "select 2"}]})
    stays, goes = plan.steps
    assert stays.risk == "It runs in the live database; what it changes is not taken back."
    assert goes.risk == "It runs in the live database."


async def test_facts_leave_steps_out(plan_of: Any, tmp_path: Path) -> None:
    steps = (
        {"note": "a", "if": {"param": {"mode": "hard"}}},
        {"note": "b", "unless": {"param": {"mode": "hard"}}},
        {"note": "c", "if": {"file": "there"}},
        {"note": "d", "unless": {"file": "there"}},
        {"note": "e", "if": {"param": {"mode": "hard", "name": "x"}}},
    )
    plan = await plan_of(*steps)
    told = ["mode is soft", "", "there does not exist", "", "mode is soft and name is x"]
    assert [step.left_out for step in plan.steps] == told
    (tmp_path / "there").touch()
    other = await plan_of(*steps, mode="hard")
    assert [step.left_out for step in other.steps] == ["", "mode is hard", "", "there exists", ""]
    assert plan.differences(other) == ["step: Note"]


async def test_what_is_wrong_is_said_before_anything_runs(
    tmp_path: Path, database: Database
) -> None:
    async def plan(*steps: dict[str, Any], given: dict[str, str], **more: Any) -> Plan:
        async with open_bench(settings(tmp_path, *steps, **more), database) as bench:
            return await bench.runbooks.plan("tidy", "grandvps", given)

    note, name = {"note": "a"}, {"name": "x"}
    with pytest.raises(UsageError, match="It needs name"):
        await plan(note, given={})
    with pytest.raises(UsageError, match="mode has to be one of: soft, hard"):
        await plan(note, given=name | {"mode": "x"})
    with pytest.raises(UsageError, match="name has to be a text that does not begin with a dash"):
        await plan(note, given={"name": "--force"})
    with pytest.raises(Refused, match="SQL has to be a placeholder by itself"):
        await plan({"sql": "select 'a {name}'"}, given=name)
    with pytest.raises(Refused, match="runs on this machine, not in containers"):
        await plan({"compose": "up"}, given=name)
    with pytest.raises(Refused, match="has no backups configured"):
        await plan({"backup": {}}, given=name)
    with pytest.raises(Refused, match="has no backups configured"):
        await plan({"restore": {}}, given=name)
    async with open_bench(settings(tmp_path, note), database) as bench:
        with pytest.raises(NotFound, match=r"no runbook called tidyy\. Did you mean tidy"):
            bench.runbooks.find("tidyy")


@pytest.mark.needs("compose")
async def test_the_shipped_example_plans_every_procedure_of_the_guide(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
) -> None:
    example = load(ROOT / "opsbell.example.yaml", {})
    wanted = example.model_dump(by_alias=True, exclude_unset=True, include={"runbooks"})
    project = tmp_path / "grandvps"
    project.mkdir()
    services = "services: {web: {image: web}, db: {image: postgres}}\n"
    (project / "docker-compose.yml").write_text(services)
    target = {
        "runtime": "compose",
        "directory": str(project),
        "compose": {"project": "grandvps", "files": ["docker-compose.yml"]},
        "database": {"service": "db", "user": "grandvps_user", "name": "grandvps_prod"},
        "files": {"media": "media"},
    }
    backups = {"include": ["database", "media"], "store": {"directory": str(tmp_path / "store")}}
    frame = {"targets": {"grandvps": target}, "backups": {"grandvps": backups}}
    async with open_bench(wanted | frame, database) as bench:
        commands = {name: await _commands(bench, name) for name in bench.settings.runbooks}
    assert isinstance(bench.settings, Settings)
    assert commands["db-optimize"] == [
        "psql grandvps_prod -c ANALYZE",
        "psql grandvps_prod -c VACUUM",
    ]
    start = f"docker compose --project-name grandvps --file {project}/docker-compose.yml"
    assert commands["static-files"][0] == (
        f"{start} exec -T web python manage.py collectstatic --clear --noinput"
    )
    assert commands["ssl-renew"][:2] == [
        f"cd {project} && sudo -n certbot renew",
        f"cd {project} && sudo -n systemctl reload nginx",
    ]
    assert commands["ssl-setup"] == [
        f"cd {project} && ./ssl/setup_ssl.sh grandvps.example admin@grandvps.example"
    ]
    assert f"{start} pull --ignore-buildable" in commands["docker-images"]
    assert f"{start} up --detach" in commands["docker-images"]
    assert f"cd {project} && sudo -n apt-get upgrade -y" in commands["system-packages"]
    assert set(commands) == set(example.runbooks)


async def _commands(bench: Bench, name: str) -> list[str]:
    plan = await bench.runbooks.plan(name, "grandvps", {})
    assert all(step.title and (step.command or step.left_out) for step in plan.steps)
    return [step.command for step in plan.steps]


@pytest.mark.parametrize(
    "step",
    [
        {"compose": {"action": "up", "services": ["web", "worker"]}},
        {"wait_healthy": {"services": ["worker"]}},
        {"run": {"service": "worker", "command": ["true"]}},
        {"note": "x", "undo": [{"run": {"service": "worker", "command": ["true"]}}]},
    ],
)
@pytest.mark.needs("compose")
async def test_a_service_that_does_not_exist_is_named_before_anything_runs(
    tmp_path: Path, database: Database, step: dict[str, Any]
) -> None:
    compose = tmp_path / "compose.yaml"
    compose.write_text("services: {web: {image: web}}\n")
    target = {"runtime": "compose", "directory": str(tmp_path), "compose": {"project": "grandvps"}}
    tidy = {"title": "Tidy up", "steps": [{"note": "first"}, step]}
    wanted = {"targets": {"grandvps": target}, "runbooks": {"tidy": tidy}}
    async with open_bench(wanted, database) as bench:
        with pytest.raises(NotFound, match=r"no service called worker\. It has web\."):
            await bench.runbooks.plan("tidy", "grandvps", {})
        compose.write_text("services: {web: {imag: web}}\n")
        with pytest.raises(Refused, match="Docker Compose cannot read the files of grandvps"):
            await bench.runbooks.plan("tidy", "grandvps", {})


async def test_the_same_on_this_machine(tmp_path: Path, database: Database) -> None:
    step = {"run": {"service": "worker", "command": ["true"]}}
    async with open_bench(settings(tmp_path, step), database) as bench:
        with pytest.raises(NotFound, match=r"no service called worker\. It has web\."):
            await bench.runbooks.plan("tidy", "grandvps", {"name": "x"})
