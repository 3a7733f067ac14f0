//! The face of the keeper, on every page of a signed-in person: a warning before the session ends, a way back in when
//! it has ended over something typed, and a line that says when the server is out of reach.

mod sign_in_again;
mod warning;

use leptos::{html, prelude::*};

use self::{sign_in_again::SignInAgain, warning::WarningDialog};
use super::keeper::{Face, Keeper, KeeperConfig};

#[island]
pub fn SessionKeeper(config: KeeperConfig) -> impl IntoView {
    let face = Face::new();
    let KeeperConfig { email, has_password, messages, .. } = config.clone();
    let offline = messages.offline.clone();
    Effect::new(move || Keeper::start(config.clone(), face));

    view! {
        <p class="offline" role="status">
            {move || face.offline.get().then(|| offline.clone())}
        </p>
        <WarningDialog face messages=messages.clone() />
        <SignInAgain face email has_password messages />
    }
}

/// Keeps a `<dialog>` open as long as `is_open` says so.
fn open_while(dialog: NodeRef<html::Dialog>, is_open: impl Fn() -> bool + 'static) {
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (is_open(), dialog.open()) {
            // It throws only for a dialog that has left the page.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
}

/// A browser closes a dialog at the second Escape, whatever the page says to it; it comes back.
fn reopen(dialog: NodeRef<html::Dialog>, is_open: bool) {
    if is_open && let Some(dialog) = dialog.get_untracked() {
        drop(dialog.show_modal());
    }
}
