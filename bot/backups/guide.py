"""RESTORE.md: how to restore one set by hand, with nothing but the tools that are there anyway.

Every `sh` block is meant to be run as it is, in order, in one shell. The blocks use three names:
`$SET`, `compose` (for a Compose project), and `db`, which runs a PostgreSQL tool where the database
is, so that the commands are the same for a container and for this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from shlex import join, quote

from bot.backups.model import CONFIG, DATABASE, DUMP, GLOBALS, Manifest
from bot.backups.snapshot import connection_settings
from bot.backups.sources import Part
from bot.config import targets as configured
from bot.config.base import OWN
from bot.targets.model import DatabasePlace, Target

_SCRIPT = "--no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1"


class Guide:
    """The text for one set; `path` is None for one in a restic repository. `parts` say where the
    files of the set came from."""

    def __init__(
        self,
        manifest: Manifest,
        path: Path | None,
        target: Target,
        settings: configured.Target,
        parts: Sequence[Part],
    ) -> None:
        self._manifest = manifest
        self._path = path
        self._target = target
        self._settings = settings
        self._parts = [part for part in parts if part.name in manifest.parts]
        self._own = manifest.target == OWN
        self._compose = isinstance(settings, configured.ComposeTarget)
        self._place = target.database() if settings.database else None

    def text(self, notes: Mapping[str, Sequence[str]]) -> str:
        """The whole page; `notes` are what to know of each part's files."""
        chapters = [self._names(), self._checksums()]
        chapters += [self._configuration(p) for p in self._parts if p.name == CONFIG]
        if DATABASE in self._manifest.parts and self._place:
            chapters += self._database(self._place)
        chapters += [self._files(part) for part in self._parts if part.name != CONFIG]
        chapters.append(self._start())
        numbered = [f"## {n}. {chapter}" for n, chapter in enumerate(chapters, 1)]
        return "\n\n".join([self._head(), *numbered, *self._afterwards(), *_remarks(notes)]) + "\n"

    def _head(self) -> str:
        taken = f"{self._manifest.started:%Y-%m-%d %H:%M:%S} UTC"
        return (
            f"# Restore {self._manifest.target} as of {taken}\n\n"
            f"This is backup set {self._manifest.id}. What follows restores it by hand: run the"
            " blocks in order, in one shell, on the machine that runs the application. Leave out"
            " the chapters of parts that you do not want back.\n\n"
            "Needed: sha256sum, tar, zstd"
            + (", docker with Compose v2." if self._compose else ", PostgreSQL's client tools.")
        )

    def _names(self) -> str:
        lines = [f"SET={quote(str(self._path))}" if self._path else "SET=$PWD"]
        if isinstance(self._settings, configured.ComposeTarget):
            lines.append(f'compose() {{ {self._compose_command(self._settings)} "$@"; }}')
        if self._place:
            lines.append(f'db() {{ {self._database_command(self._place)} "$@"; }}')
        said = "Names for what follows\n\nIf the set was moved, say where it is now."
        if self._path is None:
            said = (
                "Names for what follows\n\nThe set was kept in a restic repository: run this in the"
                " directory into which you have restored its snapshot."
            )
        if self._own:
            said += " The command opsbell signs in to its own database."
        elif self._place and "PGPASSWORD" in self._place.environment:
            said += " The password is not written here: `export PGPASSWORD=…` first."
        return f"{said}\n\n{_block(*lines)}"

    def _compose_command(self, settings: configured.ComposeTarget) -> str:
        compose = settings.compose
        argv = ["docker", "compose", "--project-name", compose.project]
        argv += ["--project-directory", str(settings.directory)]
        for file in compose.files:
            argv += ["--file", str(settings.path(file))]
        if compose.env_file:
            argv += ["--env-file", str(settings.path(compose.env_file))]
        return join(argv)

    def _database_command(self, place: DatabasePlace) -> str:
        if self._own:
            return f"opsbell database --config {quote(str(self._settings.config[0]))} --"
        known = {
            k: v for k, v in place.environment.items() if k not in ("PGPASSWORD", "PGDATABASE")
        }
        words = [f"{name}={quote(value)}" for name, value in sorted(known.items())]
        if place.service is None:
            tools = PurePosixPath(self._target.tool("psql")).parent
            return " ".join(["env", f'PATH={quote(str(tools))}:"$PATH"', *words])
        if "PGPASSWORD" in place.environment:
            words.append('PGPASSWORD="$PGPASSWORD"')
        options = [f"--env {word}" for word in words]
        return " ".join(["compose exec -T", *options, quote(place.service)])

    def _checksums(self) -> str:
        sums = [f"{file.sha256}  {file.path}" for file in self._manifest.files]
        command = "(cd \"$SET\" && sha256sum --check --strict) <<'SUMS'"
        return f"Check that the set is whole\n\n{_block(command, *sums, 'SUMS')}"

    def _configuration(self, part: Part) -> str:
        said = "Configuration\n\nThis replaces the files that are there now. They hold secrets."
        return f"{said}\n\n{_block(*self._extract(part))}"

    def _files(self, part: Part) -> str:
        said = (
            f"Files: {part.name}\n\nThis replaces files that have changed since; files that were"
            " added since stay."
        )
        if part.service:
            start = f"compose up --detach --wait {quote(part.service)}"
            extract = f"compose exec -T {quote(part.service)} tar -x -p -f - -C /"
            archive = f'zstd -dc "$SET/{part.archive}"'
            return f"{said}\n\n{_block(start, f'{archive} | {extract}')}"
        return f"{said}\n\n{_block(*self._extract(part))}"

    def _extract(self, part: Part) -> list[str]:
        lines = []
        for base in dict.fromkeys(source.base for source in part.sources):
            names = join([source.name for source in part.sources if source.base == base])
            lines.append(f"mkdir -p {quote(str(base))}")
            lines.append(
                f'zstd -dc "$SET/{part.archive}" | tar -x -p -f - -C {quote(str(base))} -- {names}'
            )
        return lines

    def _database(self, place: DatabasePlace) -> list[str]:
        chapters = []
        if place.service:
            others = f"compose config --services | {{ grep -vxF {quote(place.service)} || true; }}"
            stop = f'{others} | while read -r service; do compose stop "$service" </dev/null; done'
            start = f"compose up --detach --wait {quote(place.service)}"
            said = "Stop the application, start its database"
            chapters.append(f"{said}\n\n{_block(stop, start)}")
        elif self._own:
            chapters.append(
                "Stop Opsbell\n\nEvery process of it that uses this database. The commands below"
                " refuse to work while one runs, and for some seconds after a kill."
            )
        else:
            chapters.append(
                "Stop the application\n\nNothing may write into the database meanwhile."
            )
        return [*chapters, self._roles(place), self._swap(place), self._rows(place)]

    def _roles(self, place: DatabasePlace) -> str:
        said = (
            "Roles\n\nRoles that are there already are reported as errors; that does no harm."
            " Passwords are not in the set: on a new server, give the application's role its own"
            " (`alter role … password …`)."
        )
        other = _connect(_other(place.name))
        command = f'db psql --no-psqlrc --quiet {other} < "$SET/{GLOBALS}"'
        return f"{said}\n\n{_block(command)}"

    def _swap(self, place: DatabasePlace) -> str:
        said = (
            "Database\n\nA database of that name is set aside first, under the name"
            f" {aside(place.name, self._manifest.id)}: nothing is deleted."
        )
        names = [f"--set=name={place.name}", f"--set=aside={aside(place.name, self._manifest.id)}"]
        other = _connect(_other(place.name))
        twice = (
            "' is there already, from an earlier run; the present database was left as it is."
            " Drop one of the two as Afterwards says, then begin again.'"
        )
        allow = f"alter database {_identifier(place.name)} allow_connections true"
        set_aside = [
            f"db psql {_SCRIPT} {join(names)} {other} <<'SQL' || {{",
            "\\set VERBOSITY terse",
            "select format('do %L', format('begin raise exception using message = %L; end',",
            f"  'The database ' || quote_ident(:'aside') || {twice}))",
            "from pg_database where datname = :'name'",
            "  and exists (select from pg_database where datname = :'aside') \\gexec",
            "select format('alter database %I allow_connections false', datname)",
            "from pg_database where datname = :'name' \\gexec",
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = :'name';",
            "select format('alter database %I rename to %I', datname, :'aside')",
            "from pg_database where datname = :'name' \\gexec",
            "SQL",
            f"  db psql {_SCRIPT} {other} --command={quote(allow)} </dev/null",
            "  false",
            "}",
        ]
        # Without an input of its own, `compose exec` would swallow what is pasted after it.
        analyze = f"db psql {_SCRIPT} {_connect(place.name)} --command=analyze </dev/null"
        return f"{said}\n\n{_block(*set_aside)}\n\n{_block(*self._load(place), analyze)}"

    def _load(self, place: DatabasePlace) -> list[str]:
        """pg_restore reads one file from its input, but a directory only where it runs itself."""
        restore = f"db pg_restore --create --exit-on-error {_connect(_other(place.name))}"
        if any(file.path == DUMP for file in self._manifest.files):
            return [f'{restore} < "$SET/{DUMP}"']
        restore += ' --jobs="$(db nproc </dev/null)"'
        if place.service is None:
            return [f'{restore} "$SET/{DATABASE}"']
        inside = f"/tmp/restore-{self._manifest.id}"  # noqa: S108 - a name that is the set's own
        return [
            f"db rm -rf {inside} </dev/null",
            f"db mkdir -m 700 {inside} </dev/null",
            f'tar -c -f - -C "$SET" {DATABASE} | db tar -x -f - -C {inside}',
            f"{restore} {inside}/{DATABASE} </dev/null",
            f"db rm -rf {inside} </dev/null",
        ]

    def _rows(self, place: DatabasePlace) -> str:
        tables = self._manifest.tables
        said = (
            f"Rows\n\nThe set holds {len(tables)} tables with {sum(tables.values())} rows. This"
            " names each table that differs, with the rows expected and found; it says nothing"
            " where all is well."
        )
        values = [f"  ({_literal(name)}, {rows})" for name, rows in sorted(tables.items())]
        lines = [
            f"db psql {_SCRIPT} {_connect(place.name)} <<'SQL'",
            "select format('select %1$L, %2$s, count(*) from only %1$s having count(*) <> %2$s',",
            "  name, rows) from (values",
            ",\n".join(values or ["  (null, 0)"]),
            ") as expected (name, rows) where name is not null \\gexec",
            "SQL",
        ]
        return f"{said}\n\n{_block(*lines)}"

    def _start(self) -> str:
        if self._own:
            config = quote(str(self._settings.config[0]))
            restored = f"opsbell database --config {config} --restored {self._manifest.id}"
            verify = f"opsbell audit verify --config {config}"
            said = (
                "Start Opsbell\n\nThe first command ends what was under way when the backup was"
                " taken, so that it does not go on now; the second has to say that the log of"
                " events is whole. Then start every Opsbell again. What was said in Slack since"
                " then stays there, but Opsbell no longer knows of it."
            )
            return f"{said}\n\n{_block(restored, verify)}"
        if self._compose:
            return f"Start the application\n\n{_block('compose up --detach --wait')}"
        return "Start the application\n\nIt can be started now."

    def _afterwards(self) -> list[str]:
        if not self._place or DATABASE not in self._manifest.parts:
            return []
        old = _identifier(aside(self._place.name, self._manifest.id))
        name = _identifier(self._place.name)
        said = (
            "## Afterwards\n\nOnce the restored application has proved itself, the database that"
            f" was set aside can go:\n\n```sql\ndrop database {old};\n```\n\nTo go back to it"
            f" instead:\n\n```sql\ndrop database {name} with (force);\nalter database {old} rename"
            f" to {name};\nalter database {name} allow_connections true;\n```"
        )
        return [said]


def aside(database: str, set_id: str) -> str:
    """The name under which the present database is kept; names hold 63 bytes."""
    ending = f"_before_{set_id}"
    return database.encode()[: 63 - len(ending)].decode(errors="ignore") + ending


def _other(database: str) -> str:
    """A database to be connected to while `database` is renamed and made."""
    return "postgres" if database != "postgres" else "template1"


def _connect(database: str) -> str:
    return quote(f"--dbname={connection_settings(database)}")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _block(*lines: str) -> str:
    return "\n".join(["```sh", *lines, "```"])


def _remarks(notes: Mapping[str, Sequence[str]]) -> list[str]:
    listed = [f"- {part}: {note}" for part, several in notes.items() for note in several]
    if not listed:
        return []
    said = "## What did not hold still\n\nThese files changed or vanished while they were read."
    return ["\n".join([f"{said}\n", *listed])]
