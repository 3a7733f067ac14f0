-- A user's roles as rows, which can be looked up and counted, instead of names in a text.

create table user_roles (
    user_id text not null references users (id) on delete cascade,
    role text not null references roles (name),
    primary key (user_id, role)
);
create index user_roles_role on user_roles (role, user_id);

-- `user` is everybody's and stands nowhere.
insert into user_roles (user_id, role)
select u.id, r.name from users u join roles r on ' ' || u.roles || ' ' like '% ' || r.name || ' %'
where u.roles <> 'user' and r.name <> 'user';

drop index users_roles;
-- users.roles is no longer read or written; a later migration removes it.
