//! A button that shows what is typed into a password field. Without JavaScript there is none.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// `input` is the id of the field.
#[island]
pub fn ShowPassword(input: String, label: String) -> impl IntoView {
    let ready = RwSignal::new(false);
    let shown = RwSignal::new(false);
    Effect::new(move || ready.set(true));

    let controls = input.clone();
    let toggle = move |_| {
        let Some(field) = document().get_element_by_id(&input) else { return };
        let field: HtmlInputElement = field.unchecked_into();
        shown.update(|shown| *shown = !*shown);
        field.set_type(if shown.get_untracked() { "text" } else { "password" });
        // Still a password, though `type=text`: `browser::drafts` must not store it.
        let _ = field.set_attribute("data-secret", "");
    };

    view! {
        <button
            type="button"
            class="show-password"
            hidden=move || !ready.get()
            aria-controls=controls
            aria-pressed=move || shown.get().to_string()
            on:click=toggle
        >
            {label}
        </button>
    }
}
