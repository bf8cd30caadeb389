-- What the extensions of Debian's postgresql package bring along.
create schema extras;
create extension pg_trgm with schema extras;
create extension hstore;
create extension pgcrypto with schema extras;
create extension citext;
create extension btree_gist;
create extension "uuid-ossp";
create table tagged (
    id uuid default uuid_generate_v4() primary key, name citext unique, room int default 1, tags hstore, during tstzrange,
    exclude using gist (room with =, during with &&)
);
create index tagged_trgm on tagged using gin ((name::text) extras.gin_trgm_ops);
insert into tagged (name, tags, during) select 'Näme ' || i, hstore('k', i::text),
    tstzrange('2026-01-01'::timestamptz + i * interval '1 h', '2026-01-01'::timestamptz + (i + 1) * interval '1 h')
from generate_series(1, 300) i;
