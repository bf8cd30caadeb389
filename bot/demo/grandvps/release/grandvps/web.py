"""The web process: one page, a health page, and a log as applications write it."""

import logging
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import psycopg

from . import health, pages, settings, worker

RETRY_AFTER = 120
"""Seconds after which visitors may try again while maintenance is on."""

access = logging.getLogger("grandvps.access")
log = logging.getLogger("grandvps.web")
_served = count(1)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        self.began = time.perf_counter()
        if self.path == "/healthz":
            self.health()
        elif settings.MAINTENANCE.exists():
            self.answer(503, pages.MAINTENANCE, {"Retry-After": str(RETRY_AFTER)})
        elif self.path == "/":
            self.answer(200, pages.home(self.server_version, next(_served)))
        else:
            self.answer(404, "There is no such page.\n", {"Content-Type": "text/plain"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def health(self) -> None:
        """200 when the database gives what every page needs."""
        plain = {"Content-Type": "text/plain"}
        try:
            url = settings.environment()["DATABASE_URL"]
            with psycopg.connect(url, connect_timeout=3) as connection:
                health.examine(connection)
        except psycopg.Error as error:
            reason = str(error).partition("\n")[0]
            log.exception("health check failed: %s", reason)
            self.answer(500, f"not well: {reason}\n", plain)
        else:
            self.answer(200, f"ok {self.server_version}\n", plain)

    def answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html"} | (headers or {})).items():
            self.send_header(name, f"{value}; charset=utf-8" if name == "Content-Type" else value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        took = (time.perf_counter() - self.began) * 1000
        access.info("%s %s %s %.0f ms", self.command, self.path, int(code), took)

    def log_message(self, template: str, *arguments: object) -> None:
        log.warning(template, *arguments)


class _UtcFormatter(logging.Formatter):
    """Times with their zone, so that whoever reads the log need not guess."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%d %H:%M:%S +0000"
    default_msec_format = ""


def _set_up_log() -> None:
    settings.LOG.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(settings.LOG)
    handler.setFormatter(_UtcFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def serve() -> None:
    """Serves until SIGTERM."""
    _set_up_log()
    settings.PID.parent.mkdir(exist_ok=True)
    settings.PID.write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Handler.server_version = settings.version()
    Handler.sys_version = ""
    port = int(os.environ.get("PORT", "8000"))
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        worker.start()
        log.info("release %s listens on port %s", Handler.server_version, port)
        server.serve_forever()
