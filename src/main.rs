//! The server and its commands; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    sekisho::cli::run()
}
