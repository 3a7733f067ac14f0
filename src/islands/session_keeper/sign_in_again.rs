//! Signing in again on the page itself, when a session ends over something typed.

use leptos::{
    ev::{Event, SubmitEvent},
    html,
    prelude::*,
    task::spawn_local,
};

use super::{open_while, reopen};
use crate::islands::{
    keeper::{Face, Keeper},
    messages::KeeperMessages,
};

#[component]
pub fn SignInAgain(face: Face, email: String, has_password: bool, messages: KeeperMessages) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = move || face.ended.with(Option::is_some);
    open_while(dialog, is_open);

    let way_in = move || {
        // The server does not know the way back: a page may be rendered at another path than it is seen at.
        is_open().then(Keeper::here).flatten().map_or_else(|| "/login".to_owned(), Keeper::way_in)
    };
    let way_in_text = messages.sign_in_page.clone();
    let reason = {
        let messages = messages.clone();
        move || face.ended.with(|reason| reason.as_deref().map(|reason| messages.reason(reason).to_owned()))
    };

    view! {
        <dialog
            class="keeper"
            aria-labelledby="keeper-ended-title"
            aria-describedby="keeper-ended-reason"
            node_ref=dialog
            on:cancel=|event: Event| event.prevent_default()
            on:close=move |_| reopen(dialog, is_open())
        >
            <h2 id="keeper-ended-title">{messages.ended_title.clone()}</h2>
            <p id="keeper-ended-reason">{reason}</p>
            <p>{messages.ended_text.clone()}</p>
            {has_password.then(|| view! { <PasswordForm email messages /> })}
            <p><a href=way_in>{way_in_text}</a></p>
        </dialog>
    }
}

#[component]
fn PasswordForm(email: String, messages: KeeperMessages) -> impl IntoView {
    let password = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);

    let sign_in = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(keeper), Some(field)) = (Keeper::here(), password.get_untracked()) else { return };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let outcome = keeper.sign_in(field.value()).await;
            busy.set(false);
            field.set_value("");
            if let Err(text) = outcome {
                error.set(Some(text));
                let _ = field.focus();
            }
        });
    };

    view! {
        // Method and action are there so that a password could never get into a URL.
        <form method="post" action="/login" on:submit=sign_in aria-busy=move || busy.get().to_string()>
            <div class="field">
                <label for="keeper-email">{messages.email}</label>
                <input id="keeper-email" name="email" type="email" autocomplete="username" readonly value=email />
            </div>
            <div class="field">
                <label for="keeper-password">{messages.password}</label>
                <input
                    id="keeper-password"
                    name="password"
                    type="password"
                    autocomplete="current-password"
                    required
                    autofocus
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby="keeper-fault"
                    node_ref=password
                />
                <p id="keeper-fault" class="fault" role="alert">{error}</p>
            </div>
            <button>{messages.sign_in}</button>
        </form>
    }
}
