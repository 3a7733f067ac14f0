//! Makes Cargo see the assets that the server embeds: a *new* file in target/site is no known dependency.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_SSR").is_some() {
        std::fs::create_dir_all("target/site")?;
        println!("cargo::rerun-if-changed=target/site");
    }
    Ok(())
}
