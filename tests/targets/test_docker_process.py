"""Processes in containers: complete output, a real status, a dialogue, and a proven end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from bot.errors import NotFound, Unavailable
from bot.targets.model import Process, Target
from tests.parts.compose_project import ComposeProject, run
from tests.targets.places import compose_settings, opened

SOON = timedelta(seconds=20)
# Living processes in a container, by their first argument: the image has no ps.
_ARGUMENTS = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f 2>/dev/null; echo; done"


@pytest.fixture
async def target(grandvps: ComposeProject) -> AsyncIterator[Target]:
    async with opened(compose_settings(grandvps)) as compose:
        yield compose


async def test_output_errors_and_status_are_kept_apart(target: Target) -> None:
    done = await target.run(
        ["sh", "-c", "echo out; echo err >&2; exit 3"], service="web", timeout=SOON
    )
    assert (done.status, done.stdout, done.stderr) == (3, "out\n", "err\n")


async def test_a_death_by_signal_has_the_status_that_a_shell_gives_it(target: Target) -> None:
    done = await target.run(["sh", "-c", "kill -9 $$"], service="web", timeout=SOON)
    assert done.status == 128 + 9


async def test_arguments_never_reach_a_shell(target: Target) -> None:
    words = ["$(touch /hacked)", "; touch /hacked", "`touch /hacked`", "a  b", "*", "-n", "ü\n"]
    done = await target.run(["printf", "%s|", *words], service="web", timeout=SOON)
    assert done.stdout == "".join(f"{word}|" for word in words)
    assert (await target.run(["test", "-e", "/hacked"], service="web", timeout=SOON)).status == 1


async def test_the_environment_is_no_argument(target: Target) -> None:
    # The health check's processes come and go: one that is gone by now is no failure.
    listing = "for each in /proc/[0-9]*; do cat $each/cmdline || [ ! -e $each ]; done"
    async with target.process(
        ["sh", "-e", "-c", f"echo $PGPASSWORD; {listing}"],
        service="web",
        environment={"PGPASSWORD": "canary"},
    ) as process:
        output = b"".join([piece async for piece in process.chunks()])
        assert await process.wait() == 0
    assert output.startswith(b"canary\n")
    assert output.count(b"canary") == 1


async def test_binary_output_is_unchanged(target: Target) -> None:
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 4000 + b'\\0' * 33)"
    async with target.process(["python3", "-c", script], service="web") as process:
        pieces = [piece async for piece in process.chunks()]
        assert await process.wait() == 0
    assert b"".join(pieces) == bytes(range(256)) * 4000 + b"\0" * 33
    assert max(map(len, pieces)) <= 1024 * 1024


async def test_a_dialogue_beside_another_process(target: Target) -> None:
    """What a backup does: a transaction stays open while another process uses its snapshot."""
    place = target.database()
    psql = ["psql", "-XAtq", "--set", "ON_ERROR_STOP=1"]
    async with target.process(
        psql, service=place.service, environment=place.environment, stdin=True
    ) as process:
        await process.write(
            b"begin isolation level repeatable read read only; select pg_export_snapshot();\n"
        )
        snapshot = (await anext(process.chunks())).decode().strip()
        await target.run(
            [*psql, "-c", "delete from support_tickets where id % 2 = 0"],
            service=place.service,
            environment=place.environment,
            timeout=SOON,
        )
        counted = await target.run(
            [
                *psql,
                "-c", "begin isolation level repeatable read",
                "-c", f"set transaction snapshot '{snapshot}'",
                "-c", "select count(*) from support_tickets",
            ],
            service=place.service,
            environment=place.environment,
            timeout=SOON,
        )  # fmt: skip
        assert counted.stdout == "500\n"
        await process.write(b"select count(*) from support_tickets;\n")
        assert await anext(process.chunks()) == b"500\n"
        await process.end_input()
        assert await process.wait() == 0


async def test_a_large_input_and_its_echo(target: Target) -> None:
    done = await target.run(["wc", "-c"], service="web", timeout=SOON, stdin=b"x" * 20_000_000)
    assert done.stdout == "20000000\n"
    done = await target.run(["cat"], service="web", timeout=SOON, stdin=b"y" * 20_000_000)
    assert "19.0 MB left out" in done.stdout
    for _ in range(20):
        done = await target.run(["true"], service="web", timeout=SOON, stdin=b"x" * 20_000_000)
        assert done.status == 0


async def test_errors_come_to_their_end_too(target: Target) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; echo done"
    async with target.process(["sh", "-c", script], service="web") as process:
        assert b"".join([piece async for piece in process.chunks()]) == b"done\n"
        assert await process.wait() == 0
    assert process.error_tail.endswith("line 19998\nline 19999\n")
    assert len(process.error_tail) == 8 * 1024


async def test_what_is_not_there_is_named(target: Target, grandvps: ComposeProject) -> None:
    with pytest.raises(NotFound, match="program no-such-program is not in the service web"):
        await target.run(["no-such-program"], service="web", timeout=SOON)
    with pytest.raises(NotFound, match=r"no service called worker\. It has db and web\."):
        await target.run(["true"], service="worker", timeout=SOON)
    settings = compose_settings(grandvps)
    settings["compose"] = {"project": "no-such-project"}
    async with opened(settings) as other:
        with pytest.raises(NotFound, match="no-such-project of grandvps does not run") as caught:
            await other.run(["true"], service="web", timeout=SOON)
    assert grandvps.project in caught.value.hint


async def test_a_process_of_no_service_runs_here(target: Target, grandvps: ComposeProject) -> None:
    done = await target.run(["pwd"], timeout=SOON)
    assert done.stdout.strip() == str(grandvps.directory)


async def test_a_cancelled_caller_returns_when_the_process_is_gone(
    target: Target, grandvps: ComposeProject
) -> None:
    task = asyncio.create_task(
        target.run(
            ["sh", "-c", "sleep 4001 & sleep 4001; echo"],
            service="web",
            timeout=timedelta(hours=1),
        )
    )
    while (await arguments(grandvps)).count("sleep 4001 ") < 2:
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "4001" not in await arguments(grandvps)


async def test_a_cancel_at_any_moment_of_the_start_leaves_nothing(
    target: Target, grandvps: ComposeProject
) -> None:
    for tenths in range(12):
        task = asyncio.create_task(
            target.run(["sleep", "4002"], service="web", timeout=timedelta(hours=1))
        )
        await asyncio.sleep(tenths * 0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "4002" not in await arguments(grandvps)


async def test_the_time_limit_ends_the_process(target: Target, grandvps: ComposeProject) -> None:
    with pytest.raises(Unavailable, match=r"sleep did not end within 1\.0 s and was ended"):
        await target.run(["sleep", "4003"], service="web", timeout=timedelta(seconds=1))
    assert "4003" not in await arguments(grandvps)


async def test_what_ignores_the_request_to_end_is_killed(
    target: Target, grandvps: ComposeProject
) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 4004; done"
    async with target.process(["sh", "-c", script], service="web") as process:
        assert await anext(process.chunks()) == b"ready\n"
    assert "4004" not in await arguments(grandvps)


async def test_ending_a_process_beside_postgres_leaves_the_server_alone(
    target: Target, grandvps: ComposeProject
) -> None:
    """The server is the first process there: an orphan that a signal ends would restart it."""
    scripts = ("sleep 4005 & sleep 4005; echo", "trap '' TERM; (sleep 4005; echo) & wait; echo")
    with psycopg.connect(grandvps.database_url) as session:
        for script in scripts:
            with pytest.raises(Unavailable):
                await target.run(["sh", "-c", script], service="db", timeout=timedelta(seconds=0.5))
        assert session.execute("select 1").fetchone() == (1,)
    assert "4005" not in await arguments(grandvps, "db")


async def test_a_shell_with_many_children_leaves_no_orphan_to_postgres(
    target: Target, grandvps: ComposeProject
) -> None:
    """It is ended while it still starts them; they end in no certain order."""
    script = "i=0; while [ $((i += 1)) -lt 250 ]; do sleep 4006 & done; sleep 4006; :"
    with psycopg.connect(grandvps.database_url) as session:
        with pytest.raises(Unavailable):
            await target.run(["sh", "-c", script], service="db", timeout=timedelta(seconds=0.5))
        assert session.execute("select 1").fetchone() == (1,)
    assert "4006" not in await arguments(grandvps, "db")


async def test_a_reader_that_stops_early_ends_the_writer(
    target: Target, grandvps: ComposeProject
) -> None:
    async with target.process(["yes", "endless"], service="web") as process:
        await anext(process.chunks())
        assert "yes endless" in await arguments(grandvps)
    assert "yes endless" not in await arguments(grandvps)


async def test_what_a_process_left_in_the_background_lives_on(
    target: Target, grandvps: ComposeProject
) -> None:
    script = "(while :; do echo noise; sleep 0.01; done) & echo done"
    done = await target.run(["sh", "-c", script], service="web", timeout=SOON)
    assert (done.status, done.stdout.replace("noise\n", "")) == (0, "done\n")
    assert "noise" in await arguments(grandvps)


@pytest.mark.parametrize(
    "command", [("kill",), ("stop", "-t", "0"), ("rm", "-f")], ids=["killed", "stopped", "removed"]
)
async def test_a_container_that_goes_is_no_clean_end(
    own_grandvps: ComposeProject, command: tuple[str, ...]
) -> None:
    async with opened(compose_settings(own_grandvps)) as target:
        with pytest.raises(Unavailable, match="service web stopped while yes ran in it"):
            async with target.process(["yes"], service="web") as process:
                await ended_by(process, command, own_grandvps)
        with pytest.raises(NotFound, match=r"does not run|no service called web\. It has db"):
            await target.run(["true"], service="web", timeout=SOON)


async def test_the_loss_of_the_whole_session_is_no_clean_end(
    target: Target, grandvps: ComposeProject
) -> None:
    """As when memory runs out: the start script goes with what it started."""
    script = "echo half; echo $PPID >&2; kill -9 $PPID; sleep 0.2"
    with pytest.raises(Unavailable, match="sh in the service web was cut off before its end"):
        async with target.process(["sh", "-c", script], service="web") as process:
            assert await anext(process.chunks()) == b"half\n"
            await process.wait()


async def test_a_container_without_a_shell_says_so(own_grandvps: ComposeProject) -> None:
    name = own_grandvps.container("web")
    await run("docker", "exec", name, "python3", "-c", "import os; os.remove('/usr/bin/sh')")
    async with opened(compose_settings(own_grandvps)) as target:
        with pytest.raises(Unavailable, match=r"true could not be started in the service web.*sh"):
            await target.run(["true"], service="web", timeout=SOON)


async def test_a_paused_container_says_so(own_grandvps: ComposeProject) -> None:
    await own_grandvps.compose("pause", "web")
    try:
        async with opened(compose_settings(own_grandvps)) as target:
            with pytest.raises(NotFound, match=r"does not run \(paused\)"):
                await target.run(["true"], service="web", timeout=SOON)
    finally:
        await own_grandvps.compose("unpause", "web")


async def ended_by(process: Process, command: tuple[str, ...], project: ComposeProject) -> None:
    """Reads on while the container of the service web is ended."""
    reading = asyncio.create_task(read_all(process))
    await run("docker", *command, project.container("web"))
    await reading


async def read_all(process: Process) -> None:
    async for _ in process.chunks():
        pass
    await process.wait()


async def arguments(project: ComposeProject, service: str = "web") -> str:
    """The command lines of all processes in the container of a service."""
    return await project.exec(service, "sh", "-c", _ARGUMENTS)
