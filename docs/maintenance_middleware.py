"""Maintenance mode for Django: while the file exists, visitors get 503 with a short page.

Copy this file into the project, such as to `project/maintenance_middleware.py`, and put it first:

    MIDDLEWARE = ["project.maintenance_middleware.maintenance", ...]

Settings, all but the first optional:

    MAINTENANCE_FILE = BASE_DIR / "maintenance_mode.txt"
    MAINTENANCE_OPEN = ["/healthz"]   # paths that are never closed
    MAINTENANCE_PROXIES = 1           # how many proxies of your own stand before Django

The addresses that are let through come from the file itself, where Opsbell writes those of
`targets.NAME.maintenance.allow`. A visitor's address is that of the connection; with
MAINTENANCE_PROXIES it is taken from X-Forwarded-For, where the last so many entries are written by
your own proxies and the rest by anybody. Works under WSGI and ASGI, and needs Django alone.
"""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

RETRY_AFTER = 120
"""Seconds after which visitors may come again, where the file does not say when it ends."""
SHORTEST, LONGEST = 30, 3600

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Maintenance</title>
<style>
body { font: 18px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 0;
       padding: 0 1.5rem; color: #1d2733; background: #f7f8fa; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
p { margin: 0; color: #4a5764; }
@media (prefers-color-scheme: dark) {
  body { color: #e8ecf0; background: #14181d; }
  p { color: #a5b0bb; }
}
</style>
<h1>We are working on this site</h1>
<p>It is back in a few minutes. Nothing you have saved is lost.</p>
</html>
"""


@sync_and_async_middleware
def maintenance(get_response):
    """The middleware, for both kinds of servers."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> HttpResponse:
            # One look at a small file: quicker than handing it to a thread.
            return closed(request) or await get_response(request)

    else:

        def answer(request: HttpRequest) -> HttpResponse:
            return closed(request) or get_response(request)

    return answer


def closed(request: HttpRequest) -> HttpResponse | None:
    """The answer to a visitor who is not let in; None for everybody else."""
    file = Path(settings.MAINTENANCE_FILE)
    if not file.exists() or request.path in getattr(settings, "MAINTENANCE_OPEN", ()):
        return None
    notice = read_notice(file)
    if is_let_through(visitor(request), notice.get("allow", "")):
        return None
    response = HttpResponse(PAGE, status=503)
    response["Retry-After"] = str(retry_after(notice.get("until", "")))
    response["Cache-Control"] = "no-store"
    return response


def read_notice(file: Path) -> dict[str, str]:
    """The file's lines of `key: value`; none where it is empty, not readable, or just removed."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def visitor(request: HttpRequest) -> str:
    """The visitor's address, "" where it is not known."""
    proxies = getattr(settings, "MAINTENANCE_PROXIES", 0)
    if not proxies:
        return request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return hops[-proxies] if len(hops) >= proxies else ""


def is_let_through(address: str, allowed: str) -> bool:
    """Whether an address lies in one of the networks, which blanks separate."""
    try:
        visitor = ip_address(address)
    except ValueError:
        return False
    visitor = getattr(visitor, "ipv4_mapped", None) or visitor
    return any(visitor in network for network in networks(allowed))


def networks(allowed: str) -> Iterator:
    """The networks that are written as they should be: a mistake lets nobody in."""
    for text in allowed.split():
        try:
            yield ip_network(text)
        except ValueError:
            continue


def retry_after(until: str) -> int:
    """Seconds until the end that the file names, within limits; the usual ones without an end."""
    try:
        end = timegm(time.strptime(until, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return RETRY_AFTER
    return max(SHORTEST, min(LONGEST, int(end - time.time())))
