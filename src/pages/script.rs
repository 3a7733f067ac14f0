//! The pages' own script, `public/page.js`: shows passwords, follows the meter, tells times by the reader's clock. It is
//! small and no part of the WebAssembly; only a page that has something for it loads it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use leptos::prelude::*;

/// Whether a component of the page has something for the script; a context of all of them.
#[derive(Clone, Debug, Default)]
pub struct ScriptUse(Arc<AtomicBool>);

impl ScriptUse {
    pub fn is_used(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says that the page being drawn has something for the script.
pub fn use_script() {
    if let Some(ScriptUse(used)) = use_context() {
        used.store(true, Ordering::Relaxed);
    }
}
