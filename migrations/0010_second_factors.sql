-- Second factors and passkeys.

alter table sessions add column second_factor text; -- what was presented beside `method`; null: nothing

-- One authenticator app per account (RFC 6238).
create table totp (
    user_id text primary key references users (id) on delete cascade,
    secret text not null,                -- sealed
    created_at bigint not null,
    last_used_at bigint,
    last_step bigint not null            -- a code of this time step or an earlier one is not accepted again
);

create table recovery_codes (
    user_id text not null references users (id) on delete cascade,
    hash text not null,                  -- SHA-256 of the code, which has 120 random bits
    created_at bigint not null,
    used_at bigint,
    primary key (user_id, hash)
);

-- Browsers that need no second factor for a while.
create table trusted_browsers (
    hash text primary key,               -- SHA-256 of the cookie's token
    user_id text not null references users (id) on delete cascade,
    device text not null,
    ip text not null,
    created_at bigint not null,
    last_used_at bigint,
    expires_at bigint not null
);
create index trusted_browsers_user on trusted_browsers (user_id);
create index trusted_browsers_expires on trusted_browsers (expires_at);

create table passkeys (
    id text primary key,                 -- credential id, base64url
    user_id text not null references users (id) on delete cascade,
    name text not null,
    credential text not null,            -- public key and counter, JSON
    backed_up bigint not null,           -- 1: synced by its provider
    created_at bigint not null,
    last_used_at bigint
);
create index passkeys_user on passkeys (user_id);
