-- What an operation that was started takes back of an earlier one: a part of it, or "" for all.
create table taken_back (
    operation bigint not null references operations on delete cascade,
    part      text not null,
    taken_by  bigint not null references operations on delete cascade,
    primary key (operation, part, taken_by)
);
create index taken_back_by on taken_back (taken_by);
