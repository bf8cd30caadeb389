"""A web application as seen from outside: it answers, logs, and can be closed for maintenance.

`/healthz` answers 200 always. `/fail` answers 500 and logs a traceback. Every other path answers
200, or 503 while `maintenance_mode.txt` stands in the working directory. The log goes to standard
output and begins with the lines that a start usually leaves behind, among them an error that names
the whole database URL, password included, as real applications do.
"""

import logging
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAINTENANCE = Path("maintenance_mode.txt")
log = logging.getLogger("web")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, "ok\n")
        elif self.path == "/fail":
            self.fail()
        elif MAINTENANCE.exists():
            self.answer(503, "closed for maintenance\n")
        else:
            self.answer(200, "hello\n")

    def fail(self) -> None:
        try:
            charge()
        except ConnectionError:
            log.exception("Internal Server Error: %s", self.path)
        self.answer(500, "internal server error\n")

    def answer(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, template: str, *arguments: object) -> None:
        if self.path != "/healthz":
            log.info(template, *arguments)


def charge() -> None:
    raise ConnectionError("payment gateway answered 502")


def main() -> None:
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # As process 1 it would ignore the signal that stops a container.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log.info("starting, release %s", os.environ.get("RELEASE", "unknown"))
    if url := os.environ.get("DATABASE_URL"):
        log.error("could not connect to %s, trying again", url)
    log.warning("cache is cold")
    with ThreadingHTTPServer(("", 8000), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
