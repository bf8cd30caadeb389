"""Steps that run commands: output, failure, cancellation, and what a dead bot has left."""

import asyncio
import os
from dataclasses import replace

import psutil
import pytest

from bot.errors import Failed, NotFound
from bot.operations.plan import PlannedStep
from bot.runbooks.commands import mark_of
from bot.runbooks.steps import compose_step, host_step, run_step, undone_by
from bot.targets.marked import marked
from tests.parts.compose_project import ComposeProject
from tests.runbooks.conftest import Place
from tests.runbooks.contexts import Context

on_compose = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


def shell(text: str) -> PlannedStep:
    return PlannedStep("host", "Shell", {"command": ["sh", "-c", text]})


def in_web(text: str) -> PlannedStep:
    return PlannedStep("run", "Shell", {"service": "web", "command": ["sh", "-c", text]})


def sleepers(argument: str) -> list[int]:
    return [p.pid for p in psutil.process_iter() if argument in _arguments(p)]


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.name() == "sleep" else []
    except psutil.NoSuchProcess:
        return []


async def eventually(condition: object) -> None:
    """Waits until a callable is true."""
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def test_output_comes_by_the_line_in_order_errors_too(host: Place) -> None:
    context = Context(shell("echo one; echo two >&2; printf 'ü\\r50%%\\r100%%\\n'; printf end"))
    result = await host.kinds["host"].run(context)
    assert context.written == "one\ntwo\nü\n50%\n100%\nend\n"
    assert result == {"note": "end"}


async def test_what_fails_says_why_with_its_last_lines(host: Place) -> None:
    context = Context(
        shell("for i in $(seq 30); do echo line $i; done; echo ERROR: no room; exit 3")
    )
    with pytest.raises(Failed, match=r"^sh ended with exit status 3: ERROR: no room\.$") as caught:
        await host.kinds["host"].run(context)
    assert caught.value.output.splitlines()[0] == "line 22"
    assert len(caught.value.output.splitlines()) == 10


async def test_a_program_that_is_not_there_is_named(host: Place) -> None:
    context = Context(PlannedStep("host", "", {"command": ["no-such-program", "x"]}))
    with pytest.raises(NotFound, match="no-such-program is not on this machine"):
        await host.kinds["host"].run(context)


@pytest.mark.parametrize("name", ["eval", "exit", ".", "cd"])
async def test_a_shells_own_words_are_no_programs(host: Place, name: str) -> None:
    context = Context(PlannedStep("host", "", {"command": [name, "touch hacked"]}))
    with pytest.raises((Failed, NotFound)):
        await host.kinds["host"].run(context)
    assert not (host.target.directory() / "hacked").exists()


async def test_a_line_without_an_end_takes_no_memory_and_shows_no_half_secret(host: Place) -> None:
    text = "head -c 3000000 /dev/zero | tr '\\0' x; printf '%s' password=abcdefgh"
    context = Context(shell(text))
    await host.kinds["host"].run(context)
    assert len(context.written) < 5000
    assert "abcdefgh" not in context.written


async def test_a_secret_at_the_cut_of_a_long_line_is_hidden(host: Place) -> None:
    text = (
        "head -c 3990 /dev/zero | tr '\\0' ' '; printf ' token=abcdefghijklmnopqrstuvwxyz'; echo x"
    )
    context = Context(shell(text))
    await host.kinds["host"].run(context)
    assert "abcd" not in context.written


async def test_a_cancelled_command_is_gone_with_its_children(host: Place) -> None:
    argument = f"3604.{os.getpid()}"
    running = asyncio.create_task(
        host.kinds["host"].run(Context(shell(f"sleep {argument} & sleep {argument}; true")))
    )
    await eventually(lambda: len(sleepers(argument)) == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sleepers(argument) == []


async def abandoned(place: Place, context: Context, argv: list[str]) -> asyncio.subprocess.Process:
    """What is left of a step on this machine when the bot is killed."""
    return await asyncio.create_subprocess_exec(
        *marked(argv, mark_of(context)), start_new_session=True
    )


@pytest.mark.parametrize("verb", ["undo", "done"])
async def test_what_a_dead_bot_left_on_this_machine_is_ended(host: Place, verb: str) -> None:
    argument = f"3605.{os.getpid()}"
    context = Context(shell("unused"))
    other = Context(shell("unused"), number=11)
    left = await abandoned(
        host, context, ["sh", "-c", f"sleep {argument} & sleep {argument}; true"]
    )
    kept = await abandoned(host, other, ["sleep", f"{argument}1"])
    await eventually(lambda: len(sleepers(argument)) == 2 and sleepers(f"{argument}1"))
    assert await getattr(host.kinds["host"], verb)(context) is None
    assert sleepers(argument) == []
    assert len(sleepers(f"{argument}1")) == 1
    await host.kinds["host"].undo(other)
    await asyncio.gather(left.wait(), kept.wait())


async def test_what_a_finished_command_started_lives_on(host: Place) -> None:
    argument = f"3606.{os.getpid()}"
    context = Context(
        shell(f"setsid sleep {argument} >/dev/null 2>&1 & sleep {argument} >/dev/null 2>&1 &")
    )
    await host.kinds["host"].run(context)
    await eventually(lambda: len(sleepers(argument)) == 2)
    await host.kinds["host"].undo(context)
    found = sleepers(argument)
    assert len(found) == 2
    for pid in found:
        psutil.Process(pid).kill()


async def test_undo_runs_what_takes_it_back_in_order_and_within_its_limit(host: Place) -> None:
    undo = [
        host_step(host.target, ["sh", "-c", "echo first >> undone"]),
        host_step(host.target, ["sh", "-c", "echo second >> undone"]),
    ]
    context = Context(undone_by(shell("true"), undo))
    await host.kinds["host"].undo(context)
    assert (host.target.directory() / "undone").read_text() == "first\nsecond\n"
    slow = replace(host_step(host.target, ["sleep", "60"]), limit=0.3)
    with pytest.raises(Failed, match=r"sleep did not end within 0\.3 s"):
        await host.kinds["host"].undo(Context(undone_by(shell("true"), [slow])))


@on_compose
async def test_in_a_service_the_same(compose: Place, grandvps: ComposeProject) -> None:
    step = run_step(compose.target, "web", ["sh", "-c", "pwd; echo two >&2; exit 4"])
    assert step.command.endswith("exec -T web sh -c 'pwd; echo two >&2; exit 4'")
    context = Context(step)
    with pytest.raises(Failed, match="sh ended with exit status 4: two"):
        await compose.kinds["run"].run(context)
    assert context.written == "/app\ntwo\n"
    nothing = Context(PlannedStep("run", "", {"service": "web", "command": ["no-such-program"]}))
    with pytest.raises(NotFound, match="no-such-program is not on the service web"):
        await compose.kinds["run"].run(nothing)


@on_compose
async def test_what_a_dead_bot_left_in_a_container_is_ended(
    compose: Place, grandvps: ComposeProject
) -> None:
    context = Context(in_web("unused"))
    other = Context(in_web("unused"), number=11)
    for each, seconds in ((context, "36071"), (other, "36072")):
        text = f"setsid sleep {seconds}9 >/dev/null 2>&1 & sleep {seconds} & sleep {seconds}; true"
        argv = marked(["sh", "-c", text], mark_of(each))
        await asyncio.create_subprocess_exec(
            "docker", "exec", "-d", grandvps.container("web"), *argv
        )
    await count_in(grandvps, "36071", 2)
    await count_in(grandvps, "36072", 2)
    await compose.kinds["run"].undo(context)
    await count_in(grandvps, "36071", 0)
    await count_in(grandvps, "36072", 2)
    assert await compose.kinds["run"].done(other) is None
    await count_in(grandvps, "36072", 0)
    # A service that put itself into the background is no longer part of the command.
    await count_in(grandvps, "360719", 1)


async def count_in(project: ComposeProject, seconds: str, number: int) -> None:
    """Waits until so many processes sleep for so long in the container."""
    listing = 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done 2>/dev/null; true'
    async with asyncio.timeout(60):
        while True:
            lines = (await project.exec("web", "sh", "-c", listing)).splitlines()
            if lines.count(f"sleep {seconds} ") == number:
                return
            await asyncio.sleep(0.1)


@on_compose
async def test_compose_restarts_a_service(compose: Place, grandvps: ComposeProject) -> None:
    step = compose_step(compose.target, "restart", ["web"])
    files = grandvps.directory
    assert step.command == (
        f"docker compose --project-name {grandvps.project} --file {files}/docker-compose.yml"
        f" --env-file {files}/.env.production restart web"
    )
    [before] = await compose.target.health(["web"])
    context = Context(step)
    assert await compose.kinds["compose"].run(context) == {"note": "web"}
    [after] = await compose.target.health(["web"])
    assert before.begun != after.begun
    assert "Started" in context.written
    assert "\x1b" not in context.written


@on_compose
async def test_compose_says_why_it_failed(compose: Place) -> None:
    context = Context(compose_step(compose.target, "up", ["no-such-service"]))
    with pytest.raises(Failed, match="no such service: no-such-service"):
        await compose.kinds["compose"].run(context)


@on_compose
async def test_a_cancelled_compose_is_gone(compose: Place, grandvps: ComposeProject) -> None:
    context = Context(compose_step(compose.target, "restart", ["db"]))
    running = asyncio.create_task(compose.kinds["compose"].run(context))
    await eventually(lambda: _composes(grandvps.project))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert _composes(grandvps.project) == []
    await compose.kinds["compose"].run(Context(compose_step(compose.target, "up")))


def _composes(project: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            argv = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if "restart" in argv and project in argv:
            found.append(process.pid)
    return found
