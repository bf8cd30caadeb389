"""GrandVPS's commands: migrate, test, runserver, restart. None of them asks anything."""

import compileall
import sys
import time

import psycopg

from . import settings, web

RESTART_LIMIT = 20.0
"""Seconds within which the supervisor has started the server anew."""


def migrate() -> int:
    """Applies each migration that the database has not had, each in a transaction of its own."""
    with psycopg.connect(settings.environment()["DATABASE_URL"], autocommit=True) as connection:
        rows = connection.execute("SELECT name FROM django_migrations WHERE app = 'grandvps'")
        applied = {str(name) for (name,) in rows}
        files = sorted((settings.BASE / "migrations").glob("*.sql"))
        new = [path for path in files if path.stem not in applied]
        for path in new:
            with connection.transaction():
                connection.execute(path.read_bytes())
                connection.execute(
                    "INSERT INTO django_migrations (app, name) VALUES ('grandvps', %s)",
                    (path.stem,),
                )
            say(f"  Applying {path.stem}... OK")
    if not new:
        say("  No migrations to apply.")
    return 0


def test() -> int:
    """Whether the code compiles and the settings are there."""
    sound = compileall.compile_dir(settings.BASE / "grandvps", quiet=1)
    say(f"release {settings.version()}, {len(settings.environment())} settings")
    return 0 if sound else 1


def restart() -> int:
    """Asks the supervisor for a new web process, and waits until that has begun."""
    before = _process()
    settings.RESTART.parent.mkdir(exist_ok=True)
    settings.RESTART.touch()
    deadline = time.monotonic() + RESTART_LIMIT
    while time.monotonic() < deadline:
        if (now := _process()) and now != before:
            say(f"restarted as process {now}")
            return 0
        time.sleep(0.1)
    say("the supervisor did not restart the web process")
    return 1


def runserver() -> int:
    """Serves until SIGTERM."""
    web.serve()
    return 0


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")


def _process() -> str:
    return settings.PID.read_text() if settings.PID.exists() else ""


def main() -> int:
    """Exit status 0 when done, 1 when not, 2 for an unknown command."""
    commands = {each.__name__: each for each in (migrate, test, runserver, restart)}
    match sys.argv[1:]:
        case [name] | [name, "--noinput"] if name in commands:
            return commands[name]()
    say(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main())
