-- Passkeys: cloned ones, the sessions they began, and the offer to make one.

-- The signature counter went back: there may be a second copy of the private key. Not accepted until it is removed.
alter table passkeys add column suspended_at bigint;

-- The passkey last presented in a session, which ends when that is removed; no foreign key, as it outlives the row.
alter table sessions add column passkey_id text;

-- When the user said no to a passkey; null: not yet.
alter table users add column passkey_offer_declined_at bigint;
