//! The line in a form that says that unsaved text was restored, and offers to discard it.

use leptos::{html, prelude::*};

use crate::{
    browser::{clock::Millis, drafts::Draft, timer::Timer},
    islands::messages::KeeperMessages,
};

/// A screen reader announces a change of a status line, not a line that comes with its text.
const ANNOUNCE_AFTER: Millis = 100;

/// At the top of the draft's form, which is no island.
pub fn show_draft_notice(draft: &'static Draft, messages: &KeeperMessages) {
    let text = RwSignal::new(String::new());
    let restored = messages.draft_restored.clone();
    Timer::default().set(ANNOUNCE_AFTER, move || text.set(restored));

    let notice = NodeRef::<html::P>::new();
    let discard = move |_| {
        if let Some(notice) = notice.get_untracked() {
            notice.remove();
        }
        draft.discard();
    };
    let view = view! {
        <p class="draft-restored" node_ref=notice>
            <span role="status">{text}</span>
            <button type="button" on:click=discard>
                {messages.draft_discard.clone()}
            </button>
        </p>
    };
    let mut state = view.build();
    state.mount(draft.form(), draft.form().first_child().as_ref());
    // For the lifetime of the page.
    std::mem::forget(state);
}
