//! Signing in again on the page itself, when the session has ended over unsaved text.

use leptos::{
    ev::{Event, SubmitEvent},
    html,
    prelude::*,
    task::spawn_local,
};

use super::{open_while, reopen};
use crate::islands::{
    keeper::{Keeper, SignInError, ViewState, sign_in_url},
    messages::KeeperMessages,
    protocol::path,
};

#[component]
pub fn SignInDialog(
    state: RwSignal<ViewState>,
    email: String,
    has_password: bool,
    messages: KeeperMessages,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = Memo::new(move |_| state.get().end_reason.is_some());
    open_while(dialog, is_open);

    // The server renders the dialog closed.
    let href = move || if is_open.get() { sign_in_url() } else { path::LOGIN.to_owned() };
    let reason = {
        let messages = messages.clone();
        move || state.get().end_reason.map(|reason| messages.end_reason(reason).to_owned())
    };
    let KeeperMessages { sign_in_title, sign_in_text, sign_in_page, .. } = messages.clone();

    view! {
        <dialog
            class="keeper"
            aria-labelledby="keeper-sign-in-title"
            aria-describedby="keeper-sign-in-reason"
            node_ref=dialog
            on:cancel=|event: Event| event.prevent_default()
            on:close=move |_| reopen(dialog, is_open)
        >
            <h2 id="keeper-sign-in-title">{sign_in_title}</h2>
            <p id="keeper-sign-in-reason">{reason}</p>
            <p>{sign_in_text}</p>
            {has_password.then(|| view! { <PasswordForm email messages /> })}
            <p><a href=href>{sign_in_page}</a></p>
        </dialog>
    }
}

#[component]
fn PasswordForm(email: String, messages: KeeperMessages) -> impl IntoView {
    let password = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);

    let KeeperMessages { wrong_password, sign_in_failed, .. } = messages.clone();
    let text_of = move |error| match error {
        SignInError::WrongPassword => wrong_password.clone(),
        SignInError::Refused(text) => text,
        SignInError::Failed => sign_in_failed.clone(),
    };
    let sign_in = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(keeper), Some(field)) = (Keeper::current(), password.get_untracked()) else { return };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        let text_of = text_of.clone();
        spawn_local(async move {
            let outcome = keeper.sign_in(field.value()).await;
            busy.set(false);
            field.set_value("");
            if let Err(failure) = outcome {
                error.set(Some(text_of(failure)));
                let _ = field.focus();
            }
        });
    };

    view! {
        // Not sent by the browser. If it ever were, `post` keeps the password out of the URL.
        <form method="post" action=path::LOGIN on:submit=sign_in aria-busy=move || busy.get().to_string()>
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
                    aria-describedby="keeper-error"
                    node_ref=password
                />
                <p id="keeper-error" class="validation-error" role="alert">{error}</p>
            </div>
            <button>{messages.sign_in}</button>
        </form>
    }
}
