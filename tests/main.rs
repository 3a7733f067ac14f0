//! The house from outside, in-process: every test has a database of its own, on SQLite, or on the PostgreSQL server
//! that `SEKISHO_TEST_DATABASE_URL` names. Time is moved, never waited for.

#![allow(clippy::expect_used, reason = "a helper of tests, which is no test function itself, fails as a test does")]

mod access_tokens;
mod account_deletion;
mod account_traces;
mod accounts;
mod api;
mod audiences;
mod audit;
mod breached_passwords;
mod changes;
mod connections;
mod data_export;
mod device_limit;
mod devices;
mod edge;
mod email_change;
mod email_recovery;
mod email_verification;
mod github;
mod github_proof;
mod global_sign_out;
mod guards;
mod harness;
mod introspection;
mod keeper;
mod layering;
mod not_me;
mod outages;
mod own_pages;
mod pages;
mod passwords;
mod process;
mod recovery;
mod recovery_codes;
mod refresh_tokens;
mod revocation;
mod revocation_feed;
mod revocation_streams;
mod roles;
mod second_factor;
mod second_factor_api;
mod second_factor_enrollment;
mod second_factor_pathways;
mod second_factor_reverted;
mod second_factor_step_up;
mod secret_rotation;
mod signing_keys;
mod smtp;
mod step_up;
mod strategy_session;
mod timeouts;
mod totp;
mod trusted_browsers;
mod vectors;
