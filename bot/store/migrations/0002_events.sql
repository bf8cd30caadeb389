-- The log of events; bot/store/events.py says how `mac` chains the rows.
create table events (
    id      bigint primary key,
    at      timestamptz not null,
    actor   text not null,
    action  text not null,
    subject text not null,
    target  text not null,
    outcome text not null,
    detail  jsonb not null,
    mac     bytea not null
);
create index events_subject on events (subject, id);
create index events_at on events (at);
