-- A provider's user id means something on its own host only: 1 of github.com and 1 of an Enterprise server are two
-- people. `provider` is `github` for github.com, else `github:` with the host (and a port that is not the usual one).
alter table identities add column host text; -- null: linked before this was recorded; bound to a host at the next start
