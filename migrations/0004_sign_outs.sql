-- Everybody's sign-out holds from the moment it is asked for: until every session says so, it stands here.
create table sign_outs (
    id text primary key,
    at bigint not null,
    keep text not null                   -- the session that asked
);
