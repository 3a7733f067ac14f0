-- Opaque access tokens (`SEKISHO_STRATEGY=session`), looked up at each request. They end with their session's row.

create table access_tokens (
    hash text primary key,               -- SHA-256 of the token
    session_id text not null references sessions (id) on delete cascade,
    jti text not null,
    client_id text not null,
    audience text not null,
    scope text not null,                 -- separated by one space
    issued_at bigint not null,
    expires_at bigint not null
);
create index access_tokens_session on access_tokens (session_id, issued_at);
create index access_tokens_expires on access_tokens (expires_at);

-- When a browser's session got a new secret last, as at a step-up: page tokens (`SEKISHO_STRATEGY=jwt`) from before are
-- refused. null: never.
alter table sessions add column renewed_at bigint;
create index sessions_renewed on sessions (renewed_at) where renewed_at is not null;
