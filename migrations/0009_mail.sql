-- E-mail: verified addresses, an outbox, and single-use tokens for the links in messages.

alter table users add column email_verified_at bigint;       -- null: not verified
alter table users add column verify_by bigint;               -- registered unverified: removed from then on; null: kept
alter table users add column new_device_mail_off_at bigint;  -- null: wants a message about each new device
-- Whoever registered by GitHub has an address that GitHub had verified.
update users set email_verified_at = created_at where password_hash is null
    and exists (select 1 from identities i where i.user_id = users.id and i.created_at = users.created_at);
create index users_verify_by on users (verify_by) where verify_by is not null;

-- Messages to send, written in the transaction of what causes them.
create table mails (
    id text primary key,                 -- also the Message-ID
    user_id text references users (id) on delete cascade, -- null: the recipient may have no account
    kind text not null,
    dedup_key text,                      -- at most one message per key
    sealed text not null,                -- recipient and content, sealed JSON; empty once finished
    created_at bigint not null,
    due_at bigint,                       -- null: finished
    expires_at bigint not null,          -- pointless from then on
    attempts bigint not null default 0,
    interrupted bigint not null default 0, -- attempts of a process that died
    claimed_until bigint,                -- a process is sending it
    sent_at bigint,
    failed_at bigint,
    error text
);
create unique index mails_dedup on mails (dedup_key) where dedup_key is not null;
create index mails_due on mails (due_at) where due_at is not null;
create index mails_finished on mails (created_at) where due_at is null;
create index mails_user on mails (user_id) where user_id is not null;

-- What a link in a message stands for; deleted when used.
create table email_tokens (
    hash text primary key,               -- SHA-256 of the token
    purpose text not null,
    user_id text not null references users (id) on delete cascade,
    email text not null,                 -- the address that it was sent to
    password_changed_at bigint,          -- the account's, when it was made
    detail text,                         -- sealed JSON, by purpose
    created_at bigint not null,
    expires_at bigint not null
);
create index email_tokens_user on email_tokens (user_id, created_at);
create index email_tokens_email on email_tokens (email, purpose);
create index email_tokens_expires on email_tokens (expires_at);
