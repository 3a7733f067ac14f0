-- Names that people gave to their own devices. Apart from `sessions.device`, by which a known device is recognised.

create table device_names (
    session_id text primary key references sessions (id) on delete cascade,
    name text not null
);
