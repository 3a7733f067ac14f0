//! `wasm-bindgen --target=web --out-name=NAME --out-dir=FOLDER FILE`, and `--version`: the only ways in which
//! scripts/build and cargo-leptos call the tool of this name. Refuses any other option.

use std::{env::args, error::Error};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut bindgen = Bindgen::new();
    bindgen.typescript(true).omit_default_module_path(false); // as the real tool's defaults
    let mut folder = None;
    for argument in args().skip(1) {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("--version", _) => {
                println!("wasm-bindgen {}", wasm_bindgen_shared::version());
                return Ok(());
            }
            ("--target", "web") => _ = bindgen.web(true)?,
            ("--out-name", name) => _ = bindgen.out_name(name),
            ("--out-dir", path) => folder = Some(path.to_owned()),
            (option, _) if option.starts_with('-') => return Err(format!("unknown option: {argument}").into()),
            _ => _ = bindgen.input_path(&argument),
        }
    }
    Ok(bindgen.generate(folder.ok_or("--out-dir is missing")?)?)
}
