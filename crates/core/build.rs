//! Makes Cargo see the migrations that the library embeds: a *new* file is no known dependency.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
