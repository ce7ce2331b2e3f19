//! Accounts by their public interface: sign-in, sessions, trials, the operator's desk, mail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod admin;
mod folders;
mod house;
mod logs;
mod mail;
mod passwords;
mod sessions;
mod sign_in;
mod trials;
