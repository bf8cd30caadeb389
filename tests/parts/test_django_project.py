"""The Django project that other tests rely on is there, and its releases are what they say."""

import pytest

from tests.parts.compose_project import CommandFailedError, run
from tests.parts.django_project.project import CUSTOMERS, SERVERS, DjangoProject, served
from tests.parts.django_project.releases import git

pytestmark = pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git")


async def test_it_serves_its_first_release_through_nginx(django: DjangoProject) -> None:
    assert await served(django) == (
        f"<h1>GrandVPS v1</h1>\n<p>{SERVERS} servers of {CUSTOMERS} customers</p>\n"
    )
    assert (await run("curl", "-fsS", f"{django.web_url}/static/servers/site.css")).startswith(
        "body"
    )
    assert django.revision == django.commit_of("v1")
    assert git(django.directory, "status", "--porcelain") == ""
    assert "No changes detected" in await django.manage("makemigrations", "--check", "--dry-run")


async def test_nginx_honours_the_maintenance_file_but_for_the_health_page(
    django: DjangoProject,
) -> None:
    django.maintenance_file.write_text("a new kernel\n")
    headers = await run("curl", "-sS", "--dump-header", "-", f"{django.web_url}/")
    assert headers.startswith("HTTP/1.1 503")
    assert "Retry-After:" in headers
    assert await run("curl", "-fsS", f"{django.web_url}/healthz") == "ok v1\n"
    django.maintenance_file.unlink()
    assert "GrandVPS v1" in await served(django)


async def test_its_good_releases_come_up_by_hand(own_django: DjangoProject) -> None:
    """As the guide has it: check out, build, migrate, test, up."""
    for tag, text in (("v2", "GrandVPS v2"), ("v3", "1300 cents an hour")):
        git(own_django.directory, "reset", "--hard", "--quiet", tag)
        await own_django.compose("build", "--quiet")
        await own_django.manage("migrate", "--verbosity=0")
        await own_django.manage("test")
        await own_django.compose("up", "--detach", "--wait")
        assert text in await served(own_django)
    assert await own_django.migrations() == ["0001_initial", "0002_hourly_price"]


async def test_each_broken_release_is_broken_where_it_says(own_django: DjangoProject) -> None:
    async def build(tag: str) -> None:
        git(own_django.directory, "reset", "--hard", "--quiet", tag)
        await own_django.compose("build", "--quiet")

    with pytest.raises(CommandFailedError, match=r"requirements-payments\.txt"):
        await build("v6")
    await build("v7")
    with pytest.raises(CommandFailedError, match="Welcome to GrandVPS"):
        await own_django.manage("test")
    await build("v5")
    await own_django.manage("test")
    with pytest.raises(CommandFailedError, match="unhealthy"):
        await own_django.compose("up", "--detach", "--wait")
    await build("v4")
    with pytest.raises(CommandFailedError, match="duplicate key"):
        await own_django.manage("migrate")
    # In the middle: one migration whole, one half.
    assert await own_django.migrations() == ["0001_initial", "0002_hourly_price"]
    assert await own_django.psql("select count(email) from servers_customer") == "29"
