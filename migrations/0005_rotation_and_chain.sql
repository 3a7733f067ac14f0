-- Refresh-token reuse that can be told from a lost answer, a broken log that stays marked, devices that are new,
-- and what readiness writes.

alter table refresh_tokens add column used_network text;     -- the network (/24, /64) of the first use
alter table refresh_tokens add column replaced_at bigint;     -- never used, and given up for another successor
alter table refresh_tokens add column access_used_at bigint;  -- when an access token that came with it was first seen

alter table chain add column broken_seq bigint;               -- the entry that records tampering; null: none found

-- When this device, or one like it in the same network, was first seen on the account; null: known since before.
alter table sessions add column new_device_at bigint;

-- The lives that access tokens were given, and until when: ends are remembered for the longest that still matters.
create table access_ttls (
    seconds bigint primary key,
    used_at bigint not null
);

create table readiness (
    id bigint primary key check (id = 1),
    at bigint not null
);
insert into readiness (id, at) values (1, 0);
