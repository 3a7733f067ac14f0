-- Instant control: the audit log as a chain, roles with permissions, and what the administrator's pages look up.

-- Who may do what. `admin` may do everything; `user` is everybody's and may do nothing special.
create table roles (
    name text primary key,
    permissions text not null default '', -- separated by one space
    created_at bigint not null
);
insert into roles (name, permissions, created_at) values ('admin', '*', 0), ('user', '', 0);

alter table users add column notice_at bigint;          -- the latest event that the person should know of
alter table users add column notices_seen_at bigint;
alter table users add column search text not null default ''; -- address and name, lower case: what is searched
update users set search = lower(email || ' ' || name);
create index users_roles on users (id) where roles <> 'user';
create index users_disabled on users (id) where disabled_at is not null;

create index sessions_live on sessions (id) where ended_at is null;

-- The log. Rows are only ever added, each with the keyed hash of the one before (auth/audit.rs); housekeeping
-- removes the oldest, and moves the chain's beginning along.
create table events (
    seq bigint primary key,              -- without a gap
    id text not null,
    at bigint not null,
    user_id text,                        -- whom it is about; no foreign key: the log outlives the person
    actor_id text,                       -- who did it, where that is somebody else
    session_id text,
    kind text not null,
    outcome text not null,               -- success | failure
    reason text,
    ip text not null,
    network text not null,               -- the address's /24 (IPv4) or /64 (IPv6)
    user_agent text not null,
    request_id text,
    detail text,                         -- what else an administrator needs, such as the roles given; never a secret
    hash text not null
);
create unique index events_id on events (id);
create index events_user on events (user_id, seq);
create index events_kind on events (kind, seq);
create index events_ip on events (ip, seq);
create index events_network on events (network, seq);
create index events_at on events (at, seq);

create table chain (
    id bigint primary key check (id = 1),
    first_seq bigint not null,           -- the oldest entry kept
    first_hash text not null,            -- the hash of the entry before it
    last_seq bigint not null,
    last_hash text not null,
    seal text not null                   -- keyed hash of the four above
);

-- What happened in each hour, by kind: what the administrator's plots are drawn from.
create table counts (
    hour bigint not null,                -- Unix hours
    kind text not null,
    n bigint not null,
    primary key (hour, kind)
);
