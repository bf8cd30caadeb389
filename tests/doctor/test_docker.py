"""What the doctor sees of Docker, beyond the mistakes of newcomers."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from bot.doctor import docker
from bot.words import Sign
from tests.doctor.examining import findings, told

COMPOSE = {
    "targets": {"shop": {"runtime": "compose", "directory": "/", "compose": {"project": "shop"}}}
}
HOST = {"targets": {"shop": {"runtime": "host", "directory": "/"}}}


@pytest.mark.needs("docker", "compose")
async def test_an_engine_that_answers_is_told_with_its_version(tmp_path: Path) -> None:
    found = await findings(docker.examine, tmp_path, COMPOSE)
    assert [(each.subject, each.sign) for each in found] == [
        ("Engine", Sign.DONE),
        ("Compose", Sign.DONE),
    ]
    assert " at unix://" in found[0].says
    assert found[1].says.startswith("Docker Compose 2.")


async def test_without_a_compose_target_docker_is_not_looked_at(tmp_path: Path) -> None:
    assert await findings(docker.examine, tmp_path, HOST) == []


@pytest.mark.needs("docker")
async def test_compose_of_the_first_version_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That version is in no archive any more: this says what it said.
    programs = tmp_path / "bin"
    programs.mkdir()
    old = programs / "docker-compose"
    old.write_text("#!/bin/sh\necho 1.29.2\n")
    old.chmod(0o755)
    (programs / "docker").symlink_to(shutil.which("false") or "")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/bin")
    found = await findings(docker.examine, tmp_path, COMPOSE)
    assert told(found)[-1] == (
        "🔴 Compose: Docker Compose 1.29.2 is too old: Opsbell needs version 2. Install Docker's "
        "package docker-compose-plugin (Debian: docker-compose of trixie)."
    )


async def test_certificates_that_are_not_there_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    engine = (await findings(docker.examine, tmp_path, COMPOSE))[0]
    assert engine.sign is Sign.CRITICAL
    assert "DOCKER_CERT_PATH" in engine.todo


async def test_what_is_no_engine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        engine = (await findings(docker.examine, tmp_path, COMPOSE))[0]
    assert told([engine])[0].startswith("🔴 Engine: The Docker Engine does not answer.")
