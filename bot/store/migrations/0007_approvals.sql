-- Operations that ask before they run, what others said to them, what their work wrote, and the
-- targets that someone keeps for themselves.
alter table operations
    add column approvals_needed int not null default 0,
    add column awaited          text[] not null default '{}',
    add column expires          timestamptz,
    add column course           text not null default 'run';
drop index operations_unfinished;
create index operations_unfinished on operations (state)
    where state in ('planned', 'awaiting', 'queued', 'running');

create table approvals (
    operation bigint not null references operations on delete cascade,
    position  int not null,  -- of the step that asks; -1: the plan
    person    text not null,
    approves  boolean not null,
    reason    text not null default '',
    at        timestamptz not null default now(),
    primary key (operation, position, person)
);

create table outputs (
    id        bigint generated always as identity primary key,
    operation bigint not null references operations on delete cascade,
    position  int not null,
    at        timestamptz not null default now(),
    lines     text not null
);
create index outputs_operation on outputs (operation, id);

create table target_locks (
    target text primary key,
    holder text not null,
    reason text not null,
    since  timestamptz not null default now()
);
