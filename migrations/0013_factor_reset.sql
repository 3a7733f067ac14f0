-- When an administrator's removal of a user's second factors is due; null: none was requested.
alter table users add column factor_reset_at bigint;
create index users_factor_reset on users (factor_reset_at) where factor_reset_at is not null;
