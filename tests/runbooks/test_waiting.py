"""Steps that wait: for a URL, for containers, for people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import Failed, Refused
from bot.operations.plan import PlannedStep
from bot.runbooks.kinds_wait import ANY_2XX
from bot.runbooks.steps import (
    approval_step,
    http_step,
    note_step,
    wait_healthy_step,
)
from bot.targets.health import HealthState
from tests.parts.compose_project import ComposeProject, run
from tests.runbooks.conftest import Place, opened_place
from tests.runbooks.contexts import Context
from tests.targets.places import host_settings

SOON = timedelta(seconds=60)
on_compose = pytest.mark.needs("docker", "compose", "postgres-image", "web-image")


class Site:
    """A web server that answers as it is told."""

    def __init__(self) -> None:
        self.status, self.text, self.asked = 200, "all is well", 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=self.status, text=self.text)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_get("/", site.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield site
    finally:
        await runner.cleanup()


async def test_a_url_is_asked_until_it_answers(host: Place) -> None:
    async with serving() as site:
        site.status = 502
        context = Context(http_step(site.url, SOON, expect=200, contains="well"))
        waiting = asyncio.create_task(host.kinds["http"].run(context))
        async with asyncio.timeout(10):
            while not context.told:
                await asyncio.sleep(0.02)
        assert context.told[0] == f"{site.url} answered 502 instead of 200"
        site.status = 200
        result = await waiting
        assert str(result["note"]).startswith(f"{site.url} answered 200, after ")
        site.text = "nothing"
        quick = Context(http_step(site.url, timedelta(seconds=0.1), expect=200, contains="well"))
        with pytest.raises(Failed, match="answered 200, without “well”"):
            await host.kinds["http"].run(quick)
        site.status = 204
        assert await host.kinds["http"].done(Context(http_step(site.url, SOON, expect=ANY_2XX)))
    gone = Context(http_step(site.url, timedelta(seconds=0.1)))
    with pytest.raises(Failed, match=r"does not answer: connection refused|Connect call failed"):
        await host.kinds["http"].run(gone)


async def test_without_containers_the_health_url_is_asked(tmp_path: Path, host: Place) -> None:
    with pytest.raises(Refused, match="Whether grandvps is healthy cannot be seen"):
        await host.kinds["wait_healthy"].run(Context(wait_healthy_step((), SOON)))
    async with serving() as site:
        settings = host_settings(tmp_path, health={"url": site.url})
        async with opened_place(settings) as place:
            step = wait_healthy_step((), timedelta(seconds=0.1))
            await place.kinds["wait_healthy"].run(Context(step))
            site.status = 500
            with pytest.raises(Failed, match="answered 500 instead of 2xx"):
                await place.kinds["wait_healthy"].run(Context(step))


@on_compose
async def test_containers_are_waited_for(compose: Place, grandvps: ComposeProject) -> None:
    everything = Context(wait_healthy_step((), SOON))
    result = await compose.kinds["wait_healthy"].run(everything)
    assert str(result["note"]).startswith("db and web healthy, after ")
    # It is to end by itself, also where that takes it longer than its own grace period.
    await grandvps.compose("stop", "--timeout", "60", "web")
    quick = Context(wait_healthy_step(("web",), timedelta(seconds=0.1)))
    with pytest.raises(Failed, match=r"after .*: nothing missing, web stopped\.") as caught:
        await compose.kinds["wait_healthy"].run(
            Context(wait_healthy_step(("nothing", "web"), timedelta(seconds=0.1)))
        )
    assert "web: exited, exit status 0" in caught.value.output
    waiting = asyncio.create_task(
        compose.kinds["wait_healthy"].run(Context(wait_healthy_step(("web",), SOON)))
    )
    await grandvps.compose("start", "web")
    await waiting
    assert [each.state for each in await compose.target.health(["web"])] == [HealthState.HEALTHY]
    assert await compose.kinds["wait_healthy"].done(quick) is not None


@on_compose
async def test_a_container_that_starts_again_and_again_is_not_healthy(
    compose: Place, grandvps: ComposeProject
) -> None:
    options = ("--restart=always", "opsbell-test/web:1", "sh", "-c", "echo no; sleep 0.5; exit 3")
    async with grandvps.service_by_hand("worker", *options):
        step = wait_healthy_step(("worker",), timedelta(seconds=7))
        with pytest.raises(Failed, match=r"Not so after .*: worker (running|stopped)"):
            await compose.kinds["wait_healthy"].run(Context(step))


@on_compose
async def test_a_container_that_stays_up_without_a_health_check_is_well(
    compose: Place, grandvps: ComposeProject
) -> None:
    async with grandvps.service_by_hand("worker", "opsbell-test/web:1", "sleep", "600"):
        context = Context(wait_healthy_step(("worker",), SOON))
        await compose.kinds["wait_healthy"].run(context)
        assert context.told[0] == "worker running"


@on_compose
async def test_a_service_that_others_wait_for_may_have_ended(
    compose: Place, grandvps: ComposeProject
) -> None:
    job = Context(wait_healthy_step(("job",), timedelta(seconds=0.1)))
    depends = "--label=com.docker.compose.depends_on=job:service_completed_successfully:false"
    async with grandvps.service_by_hand("job", "opsbell-test/web:1", "true") as name:
        await run("docker", "wait", name)
        with pytest.raises(Failed, match="job stopped"):
            await compose.kinds["wait_healthy"].run(job)
        async with grandvps.service_by_hand("user", depends, "opsbell-test/web:1", "sleep", "9"):
            await compose.kinds["wait_healthy"].run(job)


async def test_people_are_waited_for(host: Place) -> None:
    context = Context(approval_step("admin", 2, "Really?"))
    assert host.asked == []
    waiting = asyncio.create_task(host.kinds["approval"].run(context))
    host.approved.append("slack:U0BOB00001")
    async with asyncio.timeout(10):
        while not context.told:
            await asyncio.sleep(0.02)
    assert context.told[0] == "waits for 2 approvals of admin: Really?"
    assert host.asked == [0]
    assert await host.kinds["approval"].done(context) is None
    host.approved.append("slack:U0CAROL001")
    assert (await waiting)["by"] == ["slack:U0BOB00001", "slack:U0CAROL001"]
    assert await host.kinds["approval"].done(context) is not None
    host.refused.append("slack:U0DAN00001")
    with pytest.raises(Refused, match="refused"):
        await host.kinds["approval"].run(context)
    assert await host.kinds["approval"].done(context) is None


async def test_a_note_is_told(host: Place) -> None:
    step: PlannedStep = note_step("Reboot the machine when it asks for it")
    assert await host.kinds["note"].run(Context(step)) == {"note": step.command}
    assert host.notes == ["Reboot the machine when it asks for it"]
