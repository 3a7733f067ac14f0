//! The warning before a deadline, with a countdown.

use leptos::{ev::Event, html, prelude::*};

use super::{open_while, reopen};
use crate::islands::{
    keeper::{Keeper, Limit, ViewState, Warning, countdown},
    messages::KeeperMessages,
    protocol::path,
};

#[component]
pub fn WarningDialog(state: RwSignal<ViewState>, messages: KeeperMessages) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = Memo::new(move |_| state.get().warning.is_some());
    open_while(dialog, is_open);

    let seconds = move || state.get().warning.map(|warning| warning.seconds);
    let is_absolute =
        Memo::new(move |_| state.get().warning.is_some_and(|Warning { limit, .. }| limit == Limit::Absolute));
    let either =
        move |idle: String, absolute: String| move || if is_absolute.get() { absolute.clone() } else { idle.clone() };
    let spoken = Memo::new({
        let text = messages.seconds_left;
        move |last: Option<&(Option<u32>, String)>| {
            let (before, text_before) = last.cloned().unwrap_or_default();
            let spoken = match seconds() {
                Some(now) if countdown::is_spoken(before, now) => text.replace("%n%", &now.to_string()),
                Some(_) => text_before,
                None => String::new(),
            };
            (seconds(), spoken)
        }
    });
    let answer = move || {
        if let Some(keeper) = Keeper::current() {
            keeper.answer_warning();
        }
    };

    view! {
        <dialog
            class="keeper"
            role="alertdialog"
            aria-labelledby="keeper-warning-title"
            aria-describedby="keeper-warning-text"
            node_ref=dialog
            on:cancel=move |event: Event| {
                event.prevent_default();
                answer();
            }
            on:close=move |_| reopen(dialog, is_open)
        >
            <h2 id="keeper-warning-title">{either(messages.idle_title, messages.absolute_title)}</h2>
            <p id="keeper-warning-text">{either(messages.idle_text, messages.absolute_text)}</p>
            <p class="countdown" role="timer">{move || seconds().map(countdown::format)}</p>
            <p class="visually-hidden" role="status">{move || spoken.get().1}</p>
            <p class="offline">{move || state.get().offline.then(|| messages.offline.clone())}</p>
            <div class="actions">
                <button type="button" autofocus on:click=move |_| answer()>
                    {either(messages.stay, messages.dismiss)}
                </button>
                <form method="post" action=path::LOGOUT>
                    <button class="secondary">{messages.sign_out}</button>
                </form>
            </div>
        </dialog>
    }
}
