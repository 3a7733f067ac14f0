//! Times in the reader's language and time zone. The server renders UTC, as it does not know the zone.

use js_sys::Date;
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use super::fields::Fields;

/// Rewrites each `<time datetime="…" data-local>` in the page's language and the reader's time zone.
pub fn localise_times() {
    let Ok(times) = document().query_selector_all("time[datetime][data-local]") else { return };
    let language = document().document_element().and_then(|root| root.get_attribute("lang")).unwrap_or_default();
    for index in 0..times.length() {
        if let Some(time) = times.get(index) {
            localise(time.unchecked_ref(), &language);
        }
    }
}

fn localise(time: &Element, language: &str) {
    let date = Date::new(&JsValue::from(time.get_attribute("datetime")));
    if date.get_time().is_nan() {
        return;
    }
    let style = Fields::empty().with("dateStyle", "medium").with("timeStyle", "short");
    let text = date.to_locale_string(language, &style.into());
    time.set_text_content(text.as_string().as_deref());
}
