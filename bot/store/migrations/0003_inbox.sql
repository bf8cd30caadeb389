-- What people asked for, committed before it is acknowledged; bot/store/inbox.py.
create table inbox (
    key         text primary key,
    twin        text not null,
    received_at timestamptz not null default clock_timestamp(),
    done_at     timestamptz
);
create index inbox_twin on inbox (twin, received_at) where twin <> '';
create index inbox_received_at on inbox (received_at);
