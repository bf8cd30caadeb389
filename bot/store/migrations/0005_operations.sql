-- Operations and their steps, and the due times that the clock has dealt with.
create table operations (
    id          bigint generated always as identity primary key,
    request_key text unique,
    runbook     text not null,
    target      text not null,
    plan        jsonb not null,
    state       text not null default 'queued',
    actor       text not null,
    reason      text not null,
    requested   timestamptz not null default now(),
    started     timestamptz,
    finished    timestamptz,
    job         bigint,
    cancel_by   text not null default '',
    error       text not null default '',
    output      text not null default ''
);
create index operations_target on operations (target, id);
create index operations_unfinished on operations (state) where state in ('queued', 'running');

create table steps (
    operation bigint not null references operations on delete cascade,
    position  int not null,
    state     text not null default 'open',
    started   timestamptz,
    finished  timestamptz,
    note      text not null default '',
    share     double precision,
    result    jsonb not null default '{}',
    primary key (operation, position)
);

create table ticks (
    name    text not null,
    due_at  timestamptz not null,
    done_at timestamptz not null default now(),
    outcome text not null,
    primary key (name, due_at)
);
