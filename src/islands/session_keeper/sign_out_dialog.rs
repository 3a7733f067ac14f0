//! The question before a sign-out that would lose unsaved text, in this tab or another.

use leptos::{ev::Event, html, prelude::*};

use super::open_while;
use crate::{
    browser::drafts::Unsaved,
    islands::{
        keeper::{Keeper, ViewState},
        messages::KeeperMessages,
    },
};

#[component]
pub fn SignOutDialog(state: RwSignal<ViewState>, messages: KeeperMessages) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let unsaved = Memo::new(move |_| state.get().unsaved);
    let is_open = Memo::new(move |_| unsaved.with(|unsaved| !unsaved.is_empty()));
    open_while(dialog, is_open);
    let answer = move |discard| {
        if let Some(keeper) = Keeper::current() {
            keeper.answer_sign_out(discard);
        }
    };
    let places = move || {
        let place = |Unsaved { page, field }| view! { <li><strong>{field}</strong> " · " {page}</li> };
        unsaved.get().into_iter().map(place).collect_view()
    };
    view! {
        <dialog
            class="keeper"
            role="alertdialog"
            aria-labelledby="keeper-sign-out-title"
            aria-describedby="keeper-sign-out-text"
            node_ref=dialog
            on:cancel=move |event: Event| {
                event.prevent_default();
                answer(false);
            }
        >
            <h2 id="keeper-sign-out-title">{messages.sign_out_title}</h2>
            <div id="keeper-sign-out-text">
                <p>{messages.sign_out_text}</p>
                <ul class="bullets">{places}</ul>
            </div>
            <div class="actions">
                <button type="button" autofocus on:click=move |_| answer(false)>{messages.sign_out_stay}</button>
                <button type="button" class="danger" on:click=move |_| answer(true)>
                    {messages.sign_out_discard}
                </button>
            </div>
        </dialog>
    }
}
