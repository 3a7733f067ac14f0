//! Signing in again on the page itself, when the session has ended over unsaved text.

use leptos::{
    ev::{Event, SubmitEvent},
    html,
    prelude::*,
    task::spawn_local,
};

use super::{open_while, reopen};
use crate::{
    browser::webauthn,
    islands::{
        keeper::{Keeper, SignInError, ViewState, sign_in_url},
        messages::KeeperMessages,
        protocol::path,
    },
};

#[component]
pub fn SignInDialog(
    state: RwSignal<ViewState>,
    email: String,
    has_password: bool,
    has_passkey: bool,
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
            {(has_password || has_passkey).then(|| view! { <SignInForms email has_password has_passkey messages /> })}
            <p><a href=href>{sign_in_page}</a></p>
        </dialog>
    }
}

/// The password, and then a code if the account has a second factor; or a passkey, instead of either.
#[component]
fn SignInForms(email: String, has_password: bool, has_passkey: bool, messages: KeeperMessages) -> impl IntoView {
    // The sign-in that goes on with a code.
    let flow = RwSignal::new(None::<String>);
    let code = NodeRef::<html::Input>::new();
    Effect::new(move || {
        if flow.with(Option::is_some)
            && let Some(field) = code.get()
        {
            let _ = field.focus();
        }
    });
    let needs_code = move || flow.with(Option::is_some);
    view! {
        {has_password.then(|| view! {
            <div hidden=needs_code><PasswordForm email messages=messages.clone() flow /></div>
            <div hidden=move || !needs_code()><CodeForm field=code messages=messages.clone() flow /></div>
        })}
        {has_passkey.then(|| view! { <PasskeyInPlace messages=messages.clone() flow /> })}
    }
}

/// Hidden where the browser has no WebAuthn.
#[component]
fn PasskeyInPlace(messages: KeeperMessages, flow: RwSignal<Option<String>>) -> impl IntoView {
    let ready = RwSignal::new(false);
    Effect::new(move || ready.set(webauthn::is_supported()));
    let busy = RwSignal::new(false);
    let error = RwSignal::new(String::new());

    let KeeperMessages { passkey, sign_in_failed, .. } = messages;
    let ask = move |_| {
        let Some(keeper) = Keeper::current().filter(|_| !busy.get_untracked()) else { return };
        busy.set(true);
        error.set(String::new());
        let sign_in_failed = sign_in_failed.clone();
        spawn_local(async move {
            let outcome = keeper.present_passkey(flow.get_untracked()).await;
            busy.set(false);
            error.set(match outcome {
                Ok(()) => return flow.set(None),
                Err(SignInError::Cancelled) => return,
                Err(SignInError::Refused(text)) => text,
                Err(_) => sign_in_failed,
            });
        });
    };

    view! {
        <p hidden=move || !ready.get()>
            <button type="button" class="secondary" aria-busy=move || busy.get().to_string() on:click=ask>{passkey}</button>
        </p>
        <p class="validation-error" role="alert">{error}</p>
    }
}

#[component]
fn PasswordForm(email: String, messages: KeeperMessages, flow: RwSignal<Option<String>>) -> impl IntoView {
    let password = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);

    let KeeperMessages { wrong_password, sign_in_failed, .. } = messages.clone();
    let sign_in = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(keeper), Some(field)) = (Keeper::current(), password.get_untracked()) else { return };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        let (wrong_password, sign_in_failed) = (wrong_password.clone(), sign_in_failed.clone());
        spawn_local(async move {
            let outcome = keeper.sign_in(field.value()).await;
            busy.set(false);
            field.set_value("");
            let text = match outcome {
                Ok(()) => return,
                Err(SignInError::CodeRequired(id)) => return flow.set(Some(id)),
                Err(SignInError::WrongPassword) => wrong_password,
                Err(SignInError::Refused(text)) => text,
                Err(_) => sign_in_failed,
            };
            error.set(Some(text));
            let _ = field.focus();
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

#[component]
fn CodeForm(field: NodeRef<html::Input>, messages: KeeperMessages, flow: RwSignal<Option<String>>) -> impl IntoView {
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);

    let KeeperMessages { wrong_code, sign_in_failed, .. } = messages.clone();
    let present = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(keeper), Some(field)) = (Keeper::current(), field.get_untracked()) else { return };
        let Some(id) = flow.get_untracked().filter(|_| !busy.get_untracked()) else { return };
        busy.set(true);
        error.set(None);
        let (wrong_code, sign_in_failed) = (wrong_code.clone(), sign_in_failed.clone());
        spawn_local(async move {
            let outcome = keeper.present_code(id, field.value()).await;
            busy.set(false);
            field.set_value("");
            let text = match outcome {
                // The next time begins with the password again.
                Ok(()) => return flow.set(None),
                Err(SignInError::WrongCode) => wrong_code,
                Err(SignInError::Refused(text)) => text,
                Err(_) => sign_in_failed,
            };
            error.set(Some(text));
            let _ = field.focus();
        });
    };

    view! {
        <form method="post" action=path::LOGIN on:submit=present aria-busy=move || busy.get().to_string()>
            <p>{messages.code_text}</p>
            <div class="field">
                <label for="keeper-code">{messages.code}</label>
                <input
                    id="keeper-code"
                    name="code"
                    autocomplete="one-time-code"
                    maxlength="64"
                    required
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby="keeper-code-error"
                    node_ref=field
                />
                <p id="keeper-code-error" class="validation-error" role="alert">{error}</p>
            </div>
            <button>{messages.sign_in}</button>
        </form>
    }
}
