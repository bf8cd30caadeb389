"""`/maintenance` of the Django project: nginx answers 503 while it is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploys.django_stage import house
from tests.parts.compose_project import run
from tests.parts.django_project.project import DjangoProject, served

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git")


async def test_nginx_closes_and_opens_the_page(
    django: DjangoProject, tmp_path: Path, database_url: str
) -> None:
    async with house(django, tmp_path, database_url) as stage:
        await stage.type("/maintenance on a new kernel for 30m")
        await stage.told("a new kernel")
        await stage.ended("done")
        answer = await run("curl", "-sS", "--include", f"{django.web_url}/")
        assert answer.startswith("HTTP/1.1 503")
        assert "Retry-After:" in answer
        assert "GrandVPS" not in answer
        assert django.maintenance_file.exists()
        await stage.type("/maintenance off")
        await stage.ended("done")
        assert not django.maintenance_file.exists()
        assert "GrandVPS v1" in await served(django)
