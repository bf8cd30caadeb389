"""A real Django project for tests: PostgreSQL, gunicorn and nginx in Compose, deployed from git."""

import itertools
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.parts.compose_project import DATABASE, USER, ComposeProject, run, run_now
from tests.parts.django_project.releases import check_out, git, make_origin
from tests.parts.owner import owner_tag

CUSTOMERS, SERVERS = 40, 1200
"""What is in the database after the start; the customers 20 and 30 bear one name."""

_FILL = f"""
insert into servers_customer (name)
    select 'Customer' || case i when 30 then 20 else i end from generate_series(1, {CUSTOMERS}) i;
insert into servers_server (name, created, customer_id)
    select 'web-' || i, now(), 1 + i % {CUSTOMERS} from generate_series(1, {SERVERS}) i;
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class DjangoProject(ComposeProject):
    """The project's directory is a checkout of `origin`; `media`, `logs`, `static` and
    `.env.production` in it are not under version control.

    `canary` is the database's password, and part of what the containers' environment holds.
    """

    @property
    def origin(self) -> Path:
        """The bare repository that it is deployed from."""
        return self.directory.with_name(f"{self.directory.name}.git")

    @property
    def maintenance_file(self) -> Path:
        """While it is there, nginx answers 503."""
        return self.directory / "maintenance_mode.txt"

    @property
    def web_url(self) -> str:
        """The site as visitors reach it, through nginx, with no slash at the end."""
        return f"http://{self._published('nginx', 80)}"

    @property
    def revision(self) -> str:
        """The commit that is checked out."""
        return git(self.directory, "rev-parse", "HEAD")

    def commit_of(self, ref: str) -> str:
        """The commit that a tag or branch of the origin names."""
        return git(self.origin, "rev-parse", f"{ref}^{{commit}}")

    async def containers(self, service: str) -> list[str]:
        """The names of a service's running containers."""
        output = await self.compose("ps", "--format", "{{.Name}}", service)
        return output.split()

    async def manage(self, *argv: str) -> str:
        """Run `manage.py` in a container of its own and return its standard output."""
        return await self.compose("run", "--rm", "--no-TTY", "web", "python", "manage.py", *argv)

    async def migrations(self) -> list[str]:
        """The applied migrations of the project's own application."""
        applied = "select name from django_migrations where app = 'servers' order by id"
        return (await self.psql(applied)).split()

    def start(self) -> None:
        """Check out the first release, build it, make and fill its database, and start it."""
        make_origin(self.origin)
        check_out(self.origin, self.directory)
        self._write_files()
        try:
            run_now(*self._compose("build", "--quiet"))
            run_now(*self._compose("up", "--detach", "--wait", "--quiet-pull", "db"))
            manage = ("run", "--rm", "--no-TTY", "web", "python", "manage.py")
            run_now(*self._compose(*manage, "migrate", "--verbosity=0"))
            run_now(*self._compose(*manage, "collectstatic", "--noinput", "--verbosity=0"))
            psql = ("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1")
            into = (*psql, "--username", USER, "--dbname", DATABASE)
            run_now("docker", "exec", "-i", self.container("db"), *into, stdin=_FILL)
            run_now(*self._compose("up", "--detach", "--wait", "--quiet-pull"))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove all of it, with the images that were built from it."""
        super().remove()
        shutil.rmtree(self.origin)

    def _write_files(self) -> None:
        environment = self.directory / ".env.production"
        environment.write_text(
            f"POSTGRES_PASSWORD={self.canary}\nSECRET_KEY={secrets.token_hex(16)}\n"
        )
        environment.chmod(0o600)
        avatars = self.directory / "media" / "avatars"
        avatars.mkdir(parents=True)
        for number in range(20):
            (avatars / f"user {number} ü.png").write_bytes(number.to_bytes(1) * 10_000)
        (self.directory / "static").mkdir()
        (self.directory / "logs").mkdir()
        (self.directory / "logs" / "error.log").write_text("ERROR payment gateway answered 502\n")


def new_django_project(parent: Path) -> DjangoProject:
    """Describe a project in a new directory of `parent`; `start` makes it real."""
    name = f"{owner_tag()}-django-{next(_numbers)}"
    return DjangoProject(parent / name, name, 17, f"canary-{secrets.token_hex(16)}")


async def served(project: DjangoProject) -> str:
    """Return the page as a visitor sees it now, whatever its status."""
    return await run("curl", "-sS", "--max-time", "5", f"{project.web_url}/")
