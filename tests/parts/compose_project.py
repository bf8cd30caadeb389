"""A real Compose project for tests: GrandVPS in small, a database and a web service."""

import asyncio
import itertools
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.owner import cleaning_up, is_orphan, owner_tag

USER = "grandvps_user"
DATABASE = "grandvps_prod"
ROWS = {"users": 1000, "vps_instances": 1500, "payments": 3000, "support_tickets": 500}
"""Rows in each table after the start."""

_SOURCES = Path(__file__).parent / "grandvps"
_PSQL = ("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", USER)
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_ONEOFF = "com.docker.compose.oneoff"
_RELEASE = "label=opsbell.test=release"
"""Images that a test has built from a project's code; others are kept from run to run."""
_numbers = itertools.count(1)


class CommandFailedError(AssertionError):
    """A command of the test's own failed; says its exit status and what it wrote."""


@dataclass(frozen=True)
class ComposeProject:
    """A Compose project in a directory of its own, with a name that no other run uses.

    `canary` is the secret in `.env.production`: the database's password, part of its URL and of an
    error in the log of the service `web`. It must never be seen outside these.
    """

    directory: Path
    project: str
    postgres: int
    canary: str
    user: str = USER
    database: str = DATABASE

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}-{service}-1"

    @property
    def database_url(self) -> str:
        """The database as the host reaches it now: another port after each start of it."""
        return f"postgresql://{USER}:{self.canary}@{self._published('db', 5432)}/{DATABASE}"

    @property
    def web_url(self) -> str:
        """The web service as the host reaches it now, with no slash at the end."""
        return f"http://{self._published('web', 8000)}"

    async def psql(self, sql: str, database: str = DATABASE) -> str:
        """Run SQL in the database's container and return its unaligned output."""
        output = await self.exec(
            "db", *_PSQL, "--no-align", "--tuples-only", "--dbname", database, stdin=sql
        )
        return output.rstrip("\n")

    async def exec(self, service: str, *argv: str, stdin: str = "") -> str:
        """Run a command in a service's container and return its standard output."""
        return await run("docker", "exec", "-i", self.container(service), *argv, stdin=stdin)

    async def compose(self, *argv: str) -> str:
        """Run `docker compose` for this project and return its standard output."""
        return await run(*self._compose(*argv))

    @asynccontextmanager
    async def service_by_hand(self, service: str, *argv: str) -> AsyncIterator[str]:
        """Run a container that Compose's labels make a service of the project, and name it.

        `argv` are the further options of `docker run`, the image and its command.
        """
        name = self.container(service)
        labels = {_PROJECT: self.project, _SERVICE: service, _ONEOFF: "False"}
        options = [f"--label={label}={value}" for label, value in labels.items()]
        try:
            await run("docker", "run", "--detach", f"--name={name}", *options, *argv)
            yield name
        finally:
            await run("docker", "rm", "--force", name)

    def start(self) -> None:
        """Write the files, start the services, wait for their health, and fill the database."""
        self._write_files()
        try:
            run_now(*self._compose("up", "--detach", "--wait", "--quiet-pull"))
            schema = (_SOURCES / "schema.sql").read_text()
            run_now(
                "docker",
                "exec",
                "-i",
                self.container("db"),
                *_PSQL,
                "--dbname",
                DATABASE,
                stdin=schema,
            )
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the containers, networks, volumes and files, whatever the test did to them."""
        remove_project(self.project)
        shutil.rmtree(self.directory)

    def _compose(self, *argv: str) -> tuple[str, ...]:
        files = ("--file", str(self.directory / "docker-compose.yml"))
        environment = ("--env-file", str(self.directory / ".env.production"))
        return ("docker", "compose", "--project-name", self.project, *files, *environment, *argv)

    def _published(self, service: str, port: int) -> str:
        return run_now("docker", "port", self.container(service), f"{port}/tcp").split()[0]

    def _write_files(self) -> None:
        self.directory.mkdir(parents=True)
        shutil.copy(_SOURCES / "docker-compose.yml", self.directory)
        environment = self.directory / ".env.production"
        environment.write_text(
            f"POSTGRES_IMAGE=opsbell-test/postgres:{self.postgres}\n"
            f"POSTGRES_PASSWORD={self.canary}\n"
            f"DATABASE_URL=postgresql://{USER}:{self.canary}@db:5432/{DATABASE}\n"
            "RELEASE=1.0.0\n"
        )
        environment.chmod(0o600)
        avatars = self.directory / "media" / "avatars"
        avatars.mkdir(parents=True)
        for number in range(20):
            (avatars / f"user {number} ü.png").write_bytes(number.to_bytes(1) * 10_000)
        (self.directory / "media" / "empty").mkdir()
        (self.directory / "media" / "latest.png").symlink_to("avatars/user 19 ü.png")
        logs = self.directory / "logs"
        logs.mkdir()
        (logs / "access.log").write_text("203.0.113.7 GET / 200\n" * 5_000)
        (logs / "error.log").write_text("ERROR payment gateway answered 502\n" * 3)


def new_project(parent: Path, *, postgres: int = 17) -> ComposeProject:
    """Describe a project in a new directory of `parent`; `start` makes it real."""
    name = f"{owner_tag()}-{next(_numbers)}"
    return ComposeProject(parent / name, name, postgres, f"canary-{secrets.token_hex(16)}")


def project_label(project: str) -> str:
    """Return the label by which Compose, and `remove_project`, know what belongs to a project."""
    return f"{_PROJECT}={project}"


def remove_project(project: str) -> None:
    """Remove all that Compose made for a project, found by its label alone, images of its releases
    included."""
    label = f"label={project_label(project)}"
    for listing, removal in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("network", "ls", "--quiet"), ("network", "rm")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
        (("images", "--quiet", "--filter", _RELEASE), ("rmi", "--force")),
    ):
        if found := set(run_now("docker", *listing, "--filter", label).split()):
            run_now("docker", *removal, *found)


def remove_orphans() -> None:
    """Remove the projects of test runs that were killed before they could."""
    template = f'{{{{.Label "{_PROJECT}"}}}}'
    with cleaning_up():
        projects: set[str] = set()
        for listing in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
            filtered = (*listing, "--filter", f"label={_PROJECT}", "--format", template)
            projects.update(run_now("docker", *filtered).split())
        for image in run_now("docker", "images", "--quiet", "--filter", _RELEASE).split():
            projects.update(_project_of(image))
        for project in filter(is_orphan, projects):
            remove_project(project)


def _project_of(image: str) -> list[str]:
    """The project that an image was built for; nothing where the image is gone by now."""
    wanted = f'{{{{index .Config.Labels "{_PROJECT}"}}}}'
    try:
        return run_now("docker", "image", "inspect", "--format", wanted, image).split()
    except CommandFailedError as error:
        if "No such image" not in str(error):
            raise
        return []


async def run(*argv: str, stdin: str = "") -> str:
    """Run a command of the test's own and return its standard output.

    Raises CommandFailedError where its exit status is not 0.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate(stdin.encode())
    return _checked(argv, process.returncode, output.decode(), errors.decode())


def run_now(*argv: str, stdin: str = "") -> str:
    """Do what `run` does where no event loop runs: in fixtures."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    return _checked(argv, done.returncode, done.stdout, done.stderr)


def _checked(argv: tuple[str, ...], status: int | None, output: str, errors: str) -> str:
    if status != 0:
        raise CommandFailedError(f"{' '.join(argv)}: exit status {status}\n{output}{errors}")
    return output
