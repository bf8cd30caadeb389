"""What is recognised in a project's services, and which project is meant."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from bot.errors import UsageError
from bot.install.discovery import DatabaseFound, FilesFound, recognise
from bot.install.health import candidates
from bot.install.questions import Flags
from bot.install.surroundings import Surroundings, choose_project
from bot.targets.projects import Mount, Port, Project, Service, health_path, image_name

ANYWHERE = Path("/srv/not-on-this-machine")


def project(directory: Path = ANYWHERE, name: str = "shop") -> Project:
    return Project(name, directory, (directory / "docker-compose.yml",), (directory / ".env.prod",))


def service(
    name: str,
    image: str = "shop",
    *programs: str,
    environment: dict[str, str] | None = None,
    ports: tuple[Port, ...] = (),
    mounts: tuple[Mount, ...] = (),
    health: str = "",
) -> Service:
    return Service(name, image, True, frozenset(programs), environment or {}, ports, mounts, health)


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (service("db", "postgres"), DatabaseFound("db", "postgres", "postgres")),
        (
            service("db", "postgis", environment={"POSTGRES_USER": "shop"}),
            DatabaseFound("db", "shop", "shop"),
        ),
        (
            service("pg", "postgresql", environment={"POSTGRESQL_DATABASE": "orders"}),
            DatabaseFound("pg", "postgres", "orders"),
        ),
        (service("data", "own-image", "postgres"), DatabaseFound("data", "postgres", "postgres")),
        (service("pool", "pgbouncer", "pgbouncer"), None),
        (service("metrics", "postgres-exporter", "postgres_exporter"), None),
        # An application that is given the database's variables is no database.
        (service("web", environment={"POSTGRES_USER": "shop", "POSTGRES_DB": "shop"}), None),
    ],
)
def test_a_database_is_postgresql_by_its_image_or_its_processes(
    place: Service, found: DatabaseFound | None
) -> None:
    assert recognise(project(), [place]).database == found


def test_of_two_databases_the_one_with_the_usual_name_is_meant() -> None:
    services = [service("analytics", "postgres"), service("db", "postgres")]
    found = recognise(project(), services).database
    assert found is not None
    assert found.service == "db"


DJANGO = (
    service("db", "postgres"),
    service("redis", "redis", "redis-server"),
    service("worker", "shop", "celery"),
    service("beat", "shop", "celery", environment={"DJANGO_SETTINGS_MODULE": "shop.settings"}),
    service("application", "shop", "gunicorn"),
    service("edge", "nginx", "nginx", ports=(Port(80, 80, ""), Port(443, 443, ""))),
)


def test_the_web_service_is_what_serves_behind_the_proxy() -> None:
    found = recognise(project(), DJANGO)
    assert found.web is not None
    assert found.proxy is not None
    assert (found.web.name, found.proxy.name) == ("application", "edge")
    # Nothing but the proxy is published, and its certificate is for a name that is not known.
    assert candidates(found, in_container=False) == ["http://127.0.0.1:80/"]


def test_services_that_look_like_no_web_application_are_not_claimed_to_be_one() -> None:
    assert recognise(project(), [service("importer"), service("cache", "redis")]).web is None


def test_health_is_asked_for_where_the_container_asks_itself() -> None:
    web = service(
        "web",
        ports=(Port(8000, 8001, ""), Port(9000, 9001, "10.0.0.5"), Port(7000, None, "")),
        health="/healthz",
    )
    found = recognise(project(), [web])
    assert candidates(found, in_container=False) == [
        "http://127.0.0.1:8001/healthz",
        "http://10.0.0.5:9001/healthz",
        "http://127.0.0.1:8001/",
        "http://10.0.0.5:9001/",
    ]
    assert candidates(found, in_container=True)[0] == "http://web:8000/healthz"


def test_files_are_found_by_their_names_in_mounts_and_in_the_directory(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    web = service(
        "web",
        mounts=(
            Mount("bind", str(tmp_path), PurePosixPath("/app")),
            Mount("bind", str(tmp_path / "shared/uploads"), PurePosixPath("/app/files")),
            Mount("volume", "shop_media", PurePosixPath("/app/media")),
            Mount("volume", "shop_static", PurePosixPath("/app/staticfiles")),
            Mount("bind", "/var/log", PurePosixPath("/host/logs")),
        ),
    )
    found = recognise(project(tmp_path), [web, service("db", "postgres")])
    assert found.files == (
        FilesFound("media", "/app/media", "web"),
        FilesFound("uploads", "shared/uploads"),
        FilesFound("logs", "logs"),
    )
    assert found.rebuilt == ("staticfiles",)


def test_the_configuration_is_what_describes_the_application(tmp_path: Path) -> None:
    for name in ("docker-compose.yml", ".env", ".env.prod", "nginx.conf"):
        (tmp_path / name).touch()
    edge = service(
        "edge",
        "nginx",
        mounts=(
            Mount("bind", str(tmp_path / "nginx.conf"), PurePosixPath("/etc/nginx/nginx.conf")),
            Mount("bind", "/etc/letsencrypt", PurePosixPath("/etc/letsencrypt")),
        ),
    )
    env_files = (tmp_path / ".env.prod", tmp_path / "missing.env")
    found = recognise(project(tmp_path), [edge], env_files=env_files)
    assert found.config == (".env.prod", ".env", "docker-compose.yml", "nginx.conf")


def test_a_directory_that_is_not_to_be_seen_is_believed_to_hold_what_docker_names() -> None:
    assert recognise(project(), []).config == (".env.prod", "docker-compose.yml")


@pytest.mark.parametrize(
    ("test", "path"),
    [
        (["CMD", "curl", "-f", "http://127.0.0.1:8000/healthz"], "/healthz"),
        (["CMD-SHELL", "wget -qO- http://localhost/up?token=s3cret || exit 1"], "/up"),
        (["CMD", "curl", "http://user:s3cret@localhost:8000"], "/"),
        (["CMD", "pg_isready"], ""),
        ([], ""),
    ],
)
def test_a_health_check_tells_its_path_and_nothing_secret(test: list[str], path: str) -> None:
    assert health_path(test) == path


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("postgres", "postgres"),
        ("registry.example:5000/own/postgres:17-alpine", "postgres"),
        ("postgis/postgis@sha256:0123", "postgis"),
    ],
)
def test_an_image_is_known_by_the_last_part_of_its_name(reference: str, name: str) -> None:
    assert image_name(reference) == name


def around(*names: str, trouble: str = "") -> Surroundings:
    projects = {name: project(ANYWHERE / name, name) for name in names}
    return Surroundings(projects, trouble, in_container=False)


def flags(project: str = "", directory: str = "") -> Flags:
    return Flags(output=Path("opsbell.yaml"), project=project, directory=directory)


def test_the_only_project_is_the_one() -> None:
    assert choose_project(flags(), around("shop")).name == "shop"


def test_a_project_is_found_by_its_directory_too() -> None:
    directory = str(ANYWHERE / "blog")
    assert choose_project(flags(directory=directory), around("shop", "blog")).name == "blog"


@pytest.mark.parametrize(
    ("given", "where", "line"),
    [
        (
            {},
            around("blog", "shop"),
            (
                "--project is missing: Compose project (blog or shop)."
                " Several run; say which with --project NAME."
            ),
        ),
        (
            {"project": "shpo"},
            around("blog", "shop"),
            (
                'No Compose project "shpo" runs (did you mean shop?). There run blog and shop.'
                " Start it (docker compose up -d), or say where it lies: --directory."
            ),
        ),
        (
            {"project": "shop"},
            around(),
            (
                'No Compose project "shop" runs. None runs.'
                " Start it (docker compose up -d), or say where it lies: --directory."
            ),
        ),
        (
            {},
            around(),
            (
                "--directory is missing: Directory of the Compose project. No Compose project runs"
                " here. Without Docker's help, say where the project lies."
            ),
        ),
        (
            {"project": "shop"},
            around(trouble="The Docker Engine does not run."),
            (
                "The Docker Engine does not run."
                " To go on without Docker, say where the project lies: --directory."
            ),
        ),
        (
            {"directory": "/srv/not-there"},
            around(),
            "There is no directory /srv/not-there. Name the project's own.",
        ),
        (
            {"directory": "/proc", "project": "shop"},
            around("shop"),
            (
                f"The Compose project shop runs in {ANYWHERE}/shop, not in /proc."
                " Leave out --directory."
            ),
        ),
        (
            {"directory": "/proc"},
            around("shop"),
            "There is no Compose file in /proc. Name the project's own.",
        ),
    ],
)
def test_what_cannot_be_known_is_said_in_one_line(
    given: dict[str, str], where: Surroundings, line: str
) -> None:
    with pytest.raises(UsageError) as error:
        choose_project(flags(**given), where)
    assert str(error.value) == line


def test_a_project_that_does_not_run_is_read_from_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "My Shop"
    directory.mkdir()
    for name in ("compose.yaml", "compose.override.yaml", ".env.production", ".env.example"):
        (directory / name).touch()
    chosen = choose_project(flags(directory=str(directory)), around("blog"))
    assert chosen == Project(
        "myshop",
        directory,
        (directory / "compose.yaml", directory / "compose.override.yaml"),
        (directory / ".env.production",),
    )
