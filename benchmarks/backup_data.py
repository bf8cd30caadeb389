"""What backups are measured on: pgbench's tables, many tables of text and JSON, files."""

from __future__ import annotations

import random
from pathlib import Path

from tests.parts.compose_project import ComposeProject

# Words and numbers repeat as people's do; hashes and tokens do not.
_TABLES = """
do $$
begin
    for t in 1..{tables} loop
        execute format('create table t%s (id bigint primary key, name text, body text, data jsonb,'
            ' at timestamptz, amount numeric(12, 2))', t);
        execute format($f$
            insert into t%s select i, 'user ' || md5(i::text || '%s'),
                (select string_agg(w, ' ') from (
                    select (array['alpha', 'beta', 'server', 'payment', 'invoice', 'failed',
                            'customer', 'ticket', 'order', 'refund', 'network', 'storage'])
                            [1 + (hashint4(i * 31 + g + %s) & 2147483647) %% 12]
                        || case when g %% 4 = 0 then left(md5((i * g)::text), 6) else '' end as w
                    from generate_series(1, 40) g) words),
                jsonb_build_object('ip', '10.' || i %% 250 || '.' || i %% 17 || '.' || i %% 200,
                    'agent', 'Mozilla/5.0 ' || i %% 40, 'token', md5((i + 7)::text), 'n', i,
                    'tags', jsonb_build_array('a' || i %% 9, 'b' || i %% 5)),
                now() - i * interval '1 min', i %% 1000
            from generate_series(1, %s) i $f$, t, t, t, {rows} * (1 + t % 7) / 4);
        execute format('create index on t%s (at)', t);
    end loop;
end $$;
"""

_FILE = 4 << 20


async def fill_pgbench(project: ComposeProject, scale: int) -> None:
    """pgbench's own tables; a scale of 68 takes about 1 GB."""
    user = ("--username", project.user)
    argv = ("pgbench", "--initialize", "--quiet", f"--scale={scale}", *user, project.database)
    await project.exec("db", *argv)


async def fill_many(project: ComposeProject, tables: int, rows: int) -> None:
    """Tables of about `rows` rows each, of different sizes."""
    await project.psql(_TABLES.format(tables=tables, rows=rows))


def fill_files(directory: Path, megabytes: int) -> None:
    """Files of which half cannot be compressed, as pictures, and half are log lines."""
    noise = random.Random(4711)  # noqa: S311 - the same in every run
    for number in range(megabytes * 1_000_000 // _FILE):
        lines = "".join(
            f"203.0.113.{noise.randrange(256)} GET /vps/{noise.randrange(10**6)} 200\n"
            for _ in range(1000)
        ).encode()
        data = noise.randbytes(_FILE) if number % 2 else (lines * (_FILE // len(lines)))
        (directory / f"file {number}").write_bytes(data)
