"""docs/nginx-maintenance.conf in a real nginx, with the file that Opsbell makes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.maintenance.conftest import Bench
from tests.maintenance.page import Page
from tests.parts.network import free_port
from tests.parts.process import ChildProcess

DOCS = Path(__file__).parents[2] / "docs"
PATIENCE = 10.0

pytestmark = pytest.mark.needs("nginx")

FRAME = """
daemon off;
pid {place}/nginx.pid;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    {real_ip}
    include {place}/allow.conf;
    server {{
        listen 127.0.0.1:{port};
        include {place}/maintenance.conf;
        location / {{ proxy_pass {application}; }}
    }}
}}
"""
REAL_IP = """
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx before the application."""

    port: int

    async def get(self, path: str = "/", visitor: str = "198.51.100.9") -> httpx.Response:
        """What a visitor of that address is answered, as the proxy before nginx tells it."""
        async with httpx.AsyncClient() as client:
            headers = {"X-Forwarded-For": visitor}
            return await client.get(f"http://127.0.0.1:{self.port}{path}", headers=headers)


def write(place: Path, bench: Bench, page: Page, port: int) -> Path:
    """Writes the configuration: the two files of docs/ with what has to be changed in them."""
    snippet = (DOCS / "nginx-maintenance.conf").read_text()
    assert snippet.count("/srv/grandvps/maintenance_mode.txt") == 1
    snippet = snippet.replace("/srv/grandvps/maintenance_mode.txt", str(bench.file))
    (place / "maintenance.conf").write_text(snippet)
    allow = (DOCS / "nginx-maintenance-allow.conf").read_text()
    for line in ("192.0.2.7      1;", "2001:db8::/32  1;"):
        assert allow.count(f"    # {line}") == 1
        allow = allow.replace(f"# {line}", line)
    (place / "allow.conf").write_text(allow)
    written = place / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    written.write_text(
        FRAME.format(place=place, user=user, real_ip=REAL_IP, port=port, application=page.url)
    )
    return written


@pytest.fixture
async def nginx(tmp_path: Path, bench: Bench, page: Page) -> AsyncIterator[Nginx]:
    place = tmp_path / "nginx"
    place.mkdir()
    port = free_port()
    config = write(place, bench, page, port)
    async with ChildProcess("nginx", "-p", str(place), "-c", str(config), cwd=place):
        running = Nginx(port)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await running.get()
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        yield running


async def test_visitors_meet_a_page_while_the_file_is_there(
    nginx: Nginx, bench: Bench, page: Page
) -> None:
    page.blind = True  # the application itself never looks: nginx alone closes it
    assert (await nginx.get()).status_code == 200
    await bench.on()
    closed = await nginx.get("/some/page?with=words")
    assert closed.status_code == 503
    assert closed.headers["Retry-After"] == "120"
    assert closed.headers["Cache-Control"] == "no-store"
    assert closed.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "We are working on this site" in closed.text
    await bench.off()
    assert (await nginx.get()).status_code == 200


async def test_the_health_page_and_those_let_through_are_not_closed(
    nginx: Nginx, bench: Bench, page: Page
) -> None:
    page.blind = True
    await bench.on()
    assert (await nginx.get("/healthz")).status_code == 200
    assert (await nginx.get(visitor="192.0.2.7")).status_code == 200
    assert (await nginx.get(visitor="2001:db8::17")).status_code == 200
    assert (await nginx.get(visitor="192.0.2.8")).status_code == 503
    # What a visitor writes before the proxy's own entry counts for nothing.
    assert (await nginx.get(visitor="192.0.2.7, 198.51.100.9")).status_code == 503


async def test_a_503_of_the_application_itself_is_passed_on(
    nginx: Nginx, bench: Bench, page: Page
) -> None:
    page.stuck = 503
    answer = await nginx.get()
    assert answer.status_code == 503
    assert "We are working" not in answer.text
