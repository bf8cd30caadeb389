"""Compose projects of any shape, really running, for one test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.parts.compose_project import remove_project, run
from tests.parts.owner import owner_tag

_numbers = itertools.count(1)

WEB = """
services:
  app:
    image: opsbell-test/web:1
    environment:
      API_TOKEN: ${API_TOKEN}
      INLINE_SECRET: canary-inline-5c1d
      DJANGO_SETTINGS_MODULE: shop.settings
    command: [python3, -u, /usr/local/lib/web/serve.py, --password=canary-argument-77aa]
    volumes:
      - uploads:/app/uploads
      - ./etc/app.conf:/etc/app.conf:ro
    ports: ["127.0.0.1:${PORT}:8000"]
    healthcheck:
      test: [CMD, curl, -fsS, "http://probe:canary-probe-90ee@127.0.0.1:8000/healthz?key=canary-query-12ab"]
      interval: 500ms
      retries: 60
volumes:
  uploads:
"""


@asynccontextmanager
async def running_project(
    directory: Path, compose: str, variables: Mapping[str, str]
) -> AsyncIterator[str]:
    """A project with this Compose file and `.env`, up and healthy; its name. Removed at the end."""
    name = f"{owner_tag()}-i{next(_numbers)}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "compose.yaml").write_text(compose)
    (directory / ".env").write_text("".join(f"{k}={v}\n" for k, v in variables.items()))
    (directory / "etc").mkdir(exist_ok=True)
    (directory / "etc/app.conf").write_text("debug = no\n")
    try:
        project = ("docker", "compose", "--project-directory", str(directory), "-p", name)
        await run(*project, "up", "--detach", "--wait")
        yield name
    finally:
        remove_project(name)
