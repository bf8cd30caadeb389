"""`/restore` of the Django project's database, with a visitor at its page all the while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploys.django_stage import TARGET, house
from tests.parts.django_project.project import CUSTOMERS, SERVERS, DjangoProject, served
from tests.parts.visitor import visiting

pytestmark = [
    pytest.mark.needs("docker", "compose", "postgres-image", "django-image", "git"),
    # Two restores, on a machine that may be busy.
    pytest.mark.timeout(400),
]


async def test_the_database_comes_back_behind_a_page_that_is_away_for_a_moment(
    own_django: DjangoProject, tmp_path: Path, database_url: str
) -> None:
    async with house(own_django, tmp_path, database_url) as stage:
        await stage.type("/backup now database")
        await stage.told(f"Backup of {TARGET} · done")
        await own_django.psql("delete from servers_server where id > 7")
        assert "7 servers" in await served(own_django)
        async with visiting(f"{own_django.web_url}/") as visitor:
            plan = await stage.ask("/restore latest database", by=stage.carol, name=TARGET)
            await stage.approve()
            await stage.ended("done")
            assert f"{SERVERS} servers of {CUSTOMERS} customers" in await served(own_django)
            print(f"away for {visitor.longest_outage():.2f} s")
        assert "_before_" in plan
        # Closed for the swap, and no visitor saw an error of the application.
        assert set(visitor.statuses()) <= {200, 503}
        assert visitor.versions("7 servers", f"{SERVERS} servers") == [
            "7 servers",
            f"{SERVERS} servers",
        ]
        assert not own_django.maintenance_file.exists()
        await stage.ask("/restore undo", by=stage.carol, name=TARGET)
        await stage.approve()
        await stage.ended("done")
        assert "7 servers" in await served(own_django)
