"""A web application in small: it answers 503 while its maintenance file is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Page:
    """The page of an application in `directory`. What goes wrong with it can be set."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "maintenance_mode.txt"
        self.blind = False
        """Whether it does not look for the file."""
        self.stuck: int | None = None
        """What it answers whatever the file says."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def status(self) -> int:
        """What visitors are answered."""
        if self.stuck:
            return self.stuck
        return 503 if self.file.exists() and not self.blind else 200


@contextmanager
def served(directory: Path) -> Iterator[Page]:
    """Serves the page on a free port."""
    page = Page(directory)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(page.status())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, template: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        page.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield page
        finally:
            server.shutdown()
            thread.join()
