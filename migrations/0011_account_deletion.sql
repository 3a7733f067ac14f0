-- Deletion of an account, at its owner's request.

alter table users add column delete_at bigint; -- to be deleted from then on, unless its owner keeps it; null: kept
create index users_delete_at on users (delete_at) where delete_at is not null;
