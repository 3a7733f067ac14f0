//! The session keeper, on every page of a signed-in person: a question before a sign-out that would lose unsaved text, a warning before the session ends, a dialog to sign in
//! again when it has ended over unsaved text, and a line that says when the server cannot be reached.
//!
//! Views only; [`super::keeper`] decides what they show.

mod draft_notice;
mod sign_in_dialog;
mod sign_out_dialog;
mod warning_dialog;

use leptos::{html, prelude::*};

use self::{
    draft_notice::show_draft_notice, sign_in_dialog::SignInDialog, sign_out_dialog::SignOutDialog,
    warning_dialog::WarningDialog,
};
use super::{
    keeper::{Keeper, KeeperConfig, ViewState},
    protocol::storage_key::DRAFT_PREFIX,
};
use crate::browser::drafts::Drafts;

#[island]
pub fn SessionKeeper(config: KeeperConfig) -> impl IntoView {
    let state = RwSignal::new(ViewState::default());
    let KeeperConfig { email, has_password, has_passkey, messages, .. } = config.clone();
    let offline = messages.offline.clone();
    Effect::new(move || {
        let drafts: &'static Drafts = Box::leak(Box::new(Drafts::open(DRAFT_PREFIX, &config.user_id)));
        for draft in drafts.restore() {
            show_draft_notice(draft, &config.messages);
        }
        drafts.follow();
        Keeper::start(&config, state, drafts);
    });

    view! {
        <p class="offline" role="status">
            {move || state.get().offline.then(|| offline.clone())}
        </p>
        <WarningDialog state messages=messages.clone() />
        <SignOutDialog state messages=messages.clone() />
        <SignInDialog state email has_password has_passkey messages />
    }
}

/// Keeps a `<dialog>` open while `is_open`.
fn open_while(dialog: NodeRef<html::Dialog>, is_open: Memo<bool>) {
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (is_open.get(), dialog.open()) {
            // It throws only for a dialog that has left the page.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
}

/// A browser closes a dialog at the second Escape, even if `cancel` is prevented; this opens it again.
fn reopen(dialog: NodeRef<html::Dialog>, is_open: Memo<bool>) {
    if is_open.get_untracked()
        && let Some(dialog) = dialog.get_untracked()
    {
        drop(dialog.show_modal());
    }
}
