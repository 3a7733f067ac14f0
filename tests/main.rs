//! The house from outside, in-process: every test has a database of its own, on SQLite, or on the PostgreSQL server
//! that `SEKISHO_TEST_DATABASE_URL` names. Time is moved, never waited for.

mod access_tokens;
mod accounts;
mod api;
mod audiences;
mod audit;
mod changes;
mod connections;
mod control;
mod devices;
mod edge;
mod github;
mod github_proof;
mod guards;
mod harness;
mod keeper;
mod outages;
mod own_pages;
mod pages;
mod passwords;
mod process;
mod recovery;
mod refresh_tokens;
mod revocation_feed;
mod secret_rotation;
mod signing_keys;
mod timeouts;
mod vectors;
