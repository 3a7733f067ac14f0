-- The core: people, their sessions, and what lets them in.
-- One text for SQLite and PostgreSQL: ids are UUIDv7 as text, times Unix milliseconds as bigint,
-- facts are nullable times rather than flags. Secrets are stored as SHA-256 (hex) or sealed, never plain.

create table users (
    id text primary key,
    email text not null,                 -- lower case, NFC: compared as it stands
    name text not null,
    about text not null default '',
    locale text,                         -- null: follow the browser
    password_hash text,                  -- PHC string; null: signs in by an identity only
    roles text not null default 'user',  -- separated by one space
    created_at bigint not null,
    updated_at bigint not null,
    password_changed_at bigint,
    disabled_at bigint
);
create unique index users_email on users (email);

-- One row is one signed-in device. An ended row stays for a while, to say truthfully why it ended.
create table sessions (
    id text primary key,                 -- the public id, the token's sid
    user_id text not null references users (id) on delete cascade,
    kind text not null,                  -- browser | api
    token_hash text,                     -- browser: hash of the cookie's id
    data text not null default '{}',     -- browser: what pages keep in the session, JSON
    device text not null,
    ip text not null,
    user_agent text not null,
    method text not null,                -- password | github
    created_at bigint not null,
    authenticated_at bigint not null,
    last_active_at bigint not null,
    idle_expires_at bigint,              -- null: no idle timeout
    expires_at bigint,                   -- null: no absolute timeout
    ended_at bigint,
    ended_reason text
);
create unique index sessions_token_hash on sessions (token_hash) where token_hash is not null;
create index sessions_user on sessions (user_id, created_at);
create index sessions_ended on sessions (ended_at) where ended_at is not null;
create index sessions_idle on sessions (idle_expires_at) where ended_at is null;
create index sessions_absolute on sessions (expires_at) where ended_at is null;

create table refresh_tokens (
    hash text primary key,
    session_id text not null references sessions (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    successor_salt text,                 -- set with used_at: the successor is derived from it and the token itself
    successor_hash text
);
create index refresh_tokens_session on refresh_tokens (session_id);
create index refresh_tokens_expires on refresh_tokens (expires_at);

create table identities (
    provider text not null,
    subject text not null,               -- the provider's own id of the person, never an e-mail address
    user_id text not null references users (id) on delete cascade,
    login text not null,
    created_at bigint not null,
    primary key (provider, subject)
);
create unique index identities_user on identities (user_id, provider);

-- A sign-in under way at a provider: short-lived, bound to one browser, used once.
create table ceremonies (
    id_hash text primary key,            -- hash of the state, or of the link's token
    browser_hash text not null,          -- hash of this browser's ceremony cookie
    payload text not null,               -- sealed JSON
    expires_at bigint not null
);
create index ceremonies_expires on ceremonies (expires_at);

create table signing_keys (
    kid text primary key,
    algorithm text not null,
    public_jwk text not null,
    private_key text not null,           -- sealed PKCS#8
    created_at bigint not null
);
