-- Signing keys rotate and can be withdrawn, the deployment's secret can be replaced, tokens have scopes.

alter table signing_keys add column signs_at bigint not null default 0; -- published from created_at, signs from here on
alter table signing_keys add column signed_at bigint;                   -- when a node last said that it signs with it
alter table signing_keys add column longest_ttl bigint not null default 3600000; -- of the tokens that it signed
alter table signing_keys add column withdrawn_at bigint;                -- from then on a tombstone without private key
update signing_keys set signs_at = created_at;

-- Changes with every change to the keys: what a node looks at to learn of one. Its row is the lock for changing them.
create table key_set (
    id bigint primary key check (id = 1),
    version bigint not null
);
insert into key_set (id, version) values (1, 1);

alter table sessions add column scope text; -- the most that its tokens may do, separated by one space; null: everything

-- What the log's entries are hashed with from an entry on, sealed (auth/chain_keys.rs).
create table chain_keys (
    from_seq bigint primary key,
    sealed text not null
);
