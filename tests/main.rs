//! The house from outside, in-process: every test has a database of its own, on SQLite, or on the PostgreSQL server
//! that `SEKISHO_TEST_DATABASE_URL` names. Time is moved, never waited for.

mod access_tokens;
mod accounts;
mod api;
mod audiences;
mod audit;
mod control;
mod devices;
mod github;
mod guards;
mod harness;
mod keeper;
mod pages;
mod passwords;
mod process;
mod refresh_tokens;
mod secret_rotation;
mod signing_keys;
mod timeouts;
