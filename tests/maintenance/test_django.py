"""docs/maintenance_middleware.py in a real Django, under WSGI and ASGI, with Opsbell's file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.maintenance.notice import Notice
from tests.maintenance.conftest import Bench
from tests.parts.process import ChildProcess

MIDDLEWARE = Path(__file__).parents[2] / "docs" / "maintenance_middleware.py"

SITE = """
import os
from pathlib import Path
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="for tests",
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["maintenance_middleware.maintenance"],
    MAINTENANCE_FILE=os.environ["MAINTENANCE_FILE"],
    MAINTENANCE_OPEN=["/healthz"],
    MAINTENANCE_PROXIES=int(os.environ["MAINTENANCE_PROXIES"]),
)

def blocking(request):
    return HttpResponse("hello")

async def not_blocking(request):
    return HttpResponse("hello")

urlpatterns = [
    path("", blocking), path("async/", not_blocking), path("healthz", blocking),
]
"""
WSGI = """
from wsgiref.simple_server import make_server
import site_of_tests
from django.core.wsgi import get_wsgi_application

with make_server("127.0.0.1", 0, get_wsgi_application()) as server:
    print(f"listens on {server.server_port}", flush=True)
    server.serve_forever()
"""
ASGI = """
import asyncio, socket
import site_of_tests
import uvicorn
from django.core.asgi import get_asgi_application

with socket.create_server(("127.0.0.1", 0)) as place:
    print(f"listens on {place.getsockname()[1]}", flush=True)
    config = uvicorn.Config(get_asgi_application(), log_level="warning", lifespan="off",
                            proxy_headers=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[place]))
"""


@dataclass(frozen=True)
class Site:
    """A running Django."""

    port: int

    async def get(self, path: str = "/", forwarded: str = "") -> httpx.Response:
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}", headers=headers)


@pytest.fixture(params=[WSGI, ASGI], ids=["wsgi", "asgi"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[0])
def proxies(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
async def site(tmp_path: Path, bench: Bench, server: str, proxies: int) -> AsyncIterator[Site]:
    place = tmp_path / "site"
    place.mkdir()
    shutil.copy(MIDDLEWARE, place)
    (place / "site_of_tests.py").write_text(SITE)
    (place / "serve.py").write_text(server)
    env = {"MAINTENANCE_FILE": str(bench.file), "MAINTENANCE_PROXIES": str(proxies)}
    async with ChildProcess(sys.executable, "serve.py", cwd=place, env=env) as process:
        listening = await process.wait_for_line(r"listens on (\d+)")
        yield Site(int(listening[1]))


@pytest.mark.parametrize("path", ["/", "/async/"])
async def test_visitors_meet_a_page_while_the_file_is_there(
    site: Site, bench: Bench, path: str
) -> None:
    assert (await site.get(path)).text == "hello"
    await bench.on(length=timedelta(minutes=30))
    closed = await site.get(path)
    assert closed.status_code == 503
    assert 1700 < int(closed.headers["Retry-After"]) <= 1800
    assert closed.headers["Cache-Control"] == "no-store"
    assert "We are working on this site" in closed.text
    assert (await site.get("/healthz")).text == "hello"
    await bench.off()
    assert (await site.get(path)).text == "hello"


async def test_a_file_made_by_hand_closes_it_too(site: Site, bench: Bench) -> None:
    bench.file.touch()
    closed = await site.get()
    assert (closed.status_code, closed.headers["Retry-After"]) == (503, "120")
    bench.file.write_bytes(b"\xff\xfe allow: 127.0.0.1")
    assert (await site.get()).status_code == 503


async def test_the_address_of_the_connection_is_let_through(site: Site, bench: Bench) -> None:
    bench.file.write_text(Notice(allow=("nonsense", "127.0.0.0/8")).text())
    assert (await site.get()).text == "hello"
    bench.file.write_text(Notice(allow=("192.0.2.7/32",)).text())
    # Anybody can write this header.
    assert (await site.get(forwarded="192.0.2.7")).status_code == 503


@pytest.mark.parametrize("proxies", [1], indirect=True)
async def test_behind_a_proxy_its_own_entry_counts(site: Site, bench: Bench) -> None:
    allow = ("192.0.2.7/32", "2001:db8::/32", "127.0.0.0/8")
    bench.file.write_text(Notice(allow=allow).text())
    assert (await site.get(forwarded="192.0.2.7")).text == "hello"
    assert (await site.get(forwarded="::ffff:192.0.2.7")).text == "hello"
    assert (await site.get(forwarded="2001:db8::1")).text == "hello"
    assert (await site.get(forwarded="192.0.2.7, 198.51.100.9")).status_code == 503
    assert (await site.get()).status_code == 503
