-- What restore drills have found out about backup sets; the newest of a set is its verdict.
create table drills (
    operation bigint primary key references operations,
    target    text not null,
    set_id    text not null,
    good      boolean not null,
    summary   text not null,
    actor     text not null,
    at        timestamptz not null default now()
);
create index drills_set on drills (target, set_id, operation);
