//! The warning before a deadline, with a countdown.

use leptos::{ev::Event, html, prelude::*};

use super::{open_while, reopen};
use crate::islands::{
    keeper::{Face, Keeper, Warning},
    messages::KeeperMessages,
    timing::{self, Limit},
};

#[component]
pub fn WarningDialog(face: Face, messages: KeeperMessages) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = move || face.warning.with(Option::is_some);
    open_while(dialog, is_open);

    let seconds = move || face.warning.get().map(|warning| warning.seconds);
    let is_absolute =
        Memo::new(move |_| face.warning.get().is_some_and(|Warning { limit, .. }| limit == Limit::Absolute));
    let either =
        move |idle: String, absolute: String| move || if is_absolute.get() { absolute.clone() } else { idle.clone() };
    let spoken = Memo::new({
        let text = messages.seconds_left;
        move |before: Option<&(Option<u32>, String)>| {
            let (last, said) = before.cloned().unwrap_or_default();
            let said = match seconds() {
                Some(now) if timing::is_spoken(last, now) => text.replace("%n%", &now.to_string()),
                Some(_) => said,
                None => String::new(),
            };
            (seconds(), said)
        }
    });
    let answer = move || {
        if let Some(keeper) = Keeper::here() {
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
            on:close=move |_| reopen(dialog, is_open())
        >
            <h2 id="keeper-warning-title">{either(messages.idle_title, messages.absolute_title)}</h2>
            <p id="keeper-warning-text">{either(messages.idle_text, messages.absolute_text)}</p>
            <p class="countdown" role="timer">{move || seconds().map(timing::countdown)}</p>
            <p class="visually-hidden" role="status">{move || spoken.get().1}</p>
            <p class="offline">{move || face.offline.get().then(|| messages.offline.clone())}</p>
            <div class="actions">
                <button type="button" autofocus on:click=move |_| answer()>
                    {either(messages.stay, messages.dismiss)}
                </button>
                <form method="post" action="/logout">
                    <button class="secondary">{messages.sign_out}</button>
                </form>
            </div>
        </dialog>
    }
}
