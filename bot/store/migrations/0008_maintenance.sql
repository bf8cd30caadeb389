-- Maintenances; bot/maintenance/model.py says what the columns mean.
create table maintenances (
    id            bigint generated always as identity primary key,
    target        text not null,
    state         text not null,
    reason        text not null default '',
    actor         text not null,
    asked         timestamptz not null,
    starts        timestamptz,             -- only where it was scheduled
    length        interval,                -- null: until somebody ends it
    began         timestamptz,
    until         timestamptz,
    ended         timestamptz,
    ended_by      text not null default '',
    on_operation  bigint,
    off_operation bigint,
    embedded      boolean not null,
    before        boolean not null default false,
    proven        boolean,                 -- null: the page was not looked at
    trouble       text not null default '',
    topic_trouble text not null default '',
    warned        timestamptz,             -- the end that was warned of
    looks         int not null default 0   -- how often it was looked after
);
create unique index maintenances_active on maintenances (target)
    where state in ('beginning', 'on', 'ending');
create index maintenances_target on maintenances (target, id);

-- Channels whose topic says that a target is in maintenance, and what it said before.
create table maintenance_topics (
    channel  text primary key,
    ours     text not null,
    previous text not null
);
