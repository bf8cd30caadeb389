-- A database with one of everything.
do $$begin
    if not exists (select from pg_roles where rolname = 'app_owner') then
        create role app_owner;
        create role app_reader;
        create role "Reader, of ""all"" things" in role app_reader;
    end if;
end$$;
create schema if not exists "Odd schema";
create function "Odd schema".noted() returns event_trigger language plpgsql as 'begin end';
create type mood as enum ('calm', 'so "so"', 'it''s late');
create domain positive as int check (value > 0);
create type pair as (a int, b text);
create collation german (locale = 'C');
create schema "späť";
create table users (
    id bigint generated always as identity primary key,
    name text not null collate german, mood mood default 'calm', age positive, both_of pair,
    lower_name text generated always as (lower(name)) stored,
    notes text[] default '{}', body jsonb, picture bytea, at timestamptz default now(),
    unique (name, age)
);
comment on table users is E'people\r\nwho use it';
comment on column users.name is 'it''s a "name"';
create table "Odd schema"."it's a ""table"".with.dots" ("a column" int check ("a column" <> 13), "Ü" text);
create table "späť"."select" ("from" int primary key, "where" bigint references users (id) on delete set null);
create table measured (day date, n int, primary key (day, n)) partition by range (day);
create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
create table measured_rest partition of measured default;
create table parent (n int);
create table child (extra text) inherits (parent);
create unlogged table sessions (id int);
create table empty_table ();
create sequence invoice_numbers increment by 7 start 10000;
create view rich as select id, name from users where age > 50 with local check option;
create materialized view ages as select age, count(*) from users group by age with data;
create unique index on ages (age);
create index users_body on users using gin (body);
create index users_part on users (age) where mood <> 'calm';
create statistics users_stats (dependencies) on name, age from users;
create function "Odd schema".shout(text default 'x''y') returns text language sql immutable as $f$ select upper($1) || E'\r\n\\!' $f$;
create procedure touch_all() language plpgsql as $p$
begin
    -- a comment with a quote ' and a \! backslash
    update users set at = now();
end $p$;
create function forbid() returns trigger language plpgsql as 'begin raise exception ''no''; end';
create trigger keep before delete on users for each row execute function forbid();
create aggregate longest (text) (sfunc = textcat, stype = text);
create operator === (leftarg = text, rightarg = text, function = texteq);
create rule quiet as on delete to sessions do instead nothing;
create table secrets_of (owner text, what text);
alter table secrets_of enable row level security;
alter table secrets_of force row level security;
create policy own_rows on secrets_of for select to "Reader, of ""all"" things" using (owner = current_user);
create publication everything for table users;
create event trigger note_ddl on ddl_command_end execute function "Odd schema".noted();
alter event trigger note_ddl disable;
alter default privileges in schema public grant select on tables to "Reader, of ""all"" things";
grant usage on schema "Odd schema" to app_reader;
grant select (name) on users to app_reader;
grant select, insert on "Odd schema"."it's a ""table"".with.dots" to app_reader with grant option;
alter table "späť"."select" owner to app_owner;
alter view rich owner to app_owner;
insert into users (name, mood, age, both_of, notes, body, picture)
    select format(E'Üser "%s" O''Neill\r\nline\ttab\\', i), (array['calm', 'so "so"', 'it''s late'])[1 + i % 3]::mood,
        1 + i % 90, row(i, E'a,"b"\n'::text)::pair, array[i::text, null, E'\r\n', '\.'],
        jsonb_build_object('k', i, 'crlf', E'\r\n'), decode(md5(i::text), 'hex')
    from generate_series(1, 800) i;
insert into "Odd schema"."it's a ""table"".with.dots" select i, E'\\.\r\n' from generate_series(1, 5) i;
insert into "späť"."select" select i, i from generate_series(1, 9) i;
insert into measured select date '2026-03-01' + i, i from generate_series(1, 20) i;
insert into measured values ('2020-01-01', 1);
insert into parent values (1);
insert into child values (2, 'x'), (3, null);
insert into sessions values (1), (2);
insert into secrets_of values ('app_owner', 'x');
select setval('invoice_numbers', 13007);
refresh materialized view ages;
select lo_from_bytea(4711, decode(repeat('00ff0d0a5c', 3000), 'hex'));
select lo_from_bytea(4712, '');
comment on large object 4711 is 'a scanned contract';
grant select on large object 4711 to app_reader;
