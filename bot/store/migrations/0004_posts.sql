-- What each Slack message should say, and what is known of how it stands in Slack.
create table posts (
    key          text primary key,
    seq          bigint generated always as identity,
    channel      text not null,                      -- a name or an ID, as configured
    under        text references posts,              -- the post in whose thread it stands
    thread       text not null default '',           -- the same for a message of someone else: its ts
    message      jsonb not null,
    digest       text not null,                      -- of `message`
    final        boolean not null,
    state        text not null default 'live',       -- live, failed, gone
    reason       text not null default '',           -- why it failed
    channel_id   text not null default '',
    ts           text,
    sending_at   timestamptz,                        -- a call is under way, or its outcome unknown
    sent_digest  text not null default '',           -- what Slack is known to show
    sent_at      timestamptz,
    plain_digest text not null default ''            -- the message whose blocks Slack refused
);
create index posts_open on posts (channel, seq)
    where state = 'live' and (digest <> sent_digest or sending_at is not null);
create unique index posts_place on posts (channel_id, ts) where ts is not null;

-- Posts for which something has to be done, each with its thread: a message's own, or the place
-- of the post it stands under.
create view open_posts as
    select posts.key, posts.seq, posts.channel, posts.channel_id, posts.ts, posts.final,
           posts.sent_at, posts.sending_at,
           case when posts.under is null then posts.thread else parents.ts end as thread,
           parents.state as parent
    from posts left join posts parents on parents.key = posts.under
    where posts.state = 'live'
        and (posts.digest <> posts.sent_digest or posts.sending_at is not null);

-- Files that belong into a post's thread; the content goes once it is there.
create table post_files (
    key          text not null references posts on delete cascade,
    digest       text not null,
    seq          bigint generated always as identity,
    name         text not null,
    title        text not null,
    alt          text not null,
    content      bytea not null,
    whole        boolean not null,                   -- the uncut text of the post itself
    not_before   timestamptz not null default now(),
    file_id      text not null default '',           -- uploaded, not yet seen by anyone
    sending_at   timestamptz,
    state        text not null default 'open',       -- open, shared, failed
    primary key (key, digest)
);
create index post_files_open on post_files (key, seq) where state = 'open';

-- Channels in which posts wait for someone to do something.
create table post_troubles (
    channel  text primary key,
    trouble  text not null,
    since    timestamptz not null default now(),
    look_at  timestamptz not null default now()
);
