-- Fewer pages to write at a sign-in, and fewer rows to read.

-- An address is looked for within its network.
drop index events_ip;

-- What is live comes first, whatever else a person's history holds.
drop index sessions_user;
create index sessions_user on sessions (user_id, ended_at, id);

-- What is searched, without the rest of each row.
create index users_search on users (id, search);
