//! Forms, drawn with their labels, hints and errors where a screen reader finds them.

use axum::http::StatusCode;
use leptos::prelude::*;

use super::{password_strength, script::use_script};
use crate::{http::error::HttpError, locale::Lang};
use sekisho_core::{Error, FieldError};

/// The validation errors of a form: of its fields, or of the whole form.
#[derive(Clone, Debug, Default)]
pub struct FormErrors {
    pub fields: Vec<FieldError>,
    /// A locale key.
    pub form: Option<String>,
    pub status: StatusCode,
    /// Seconds after which it is worth trying again.
    pub retry_after: Option<u64>,
}

impl FormErrors {
    /// Errors that the form can show; any other is a page of its own.
    pub fn of(error: Error) -> Result<Self, HttpError> {
        let error = HttpError::from(error);
        let (status, retry_after) = (error.status(), error.retry_after());
        match error {
            HttpError::Core(Error::InvalidInput(fields)) => Ok(Self { fields, form: None, status, retry_after }),
            HttpError::Core(Error::Internal(_) | Error::NotFound) => Err(error),
            error => {
                Ok(Self { fields: Vec::new(), form: Some(format!("error-{}", error.code())), status, retry_after })
            }
        }
    }

    /// What is wrong with a field, in words.
    pub fn field(&self, name: &str, lang: Lang) -> Option<String> {
        self.fields.iter().find(|f| f.field == name).map(|f| lang.t(&format!("field-{}", f.code)))
    }

    pub fn any(&self) -> bool {
        !self.fields.is_empty() || self.form.is_some()
    }
}

/// What is wrong with the form as a whole, said at once.
#[component]
pub fn FormErrorNotice(lang: Lang, form_errors: FormErrors) -> impl IntoView {
    let key = form_errors.form.as_deref().or((!form_errors.fields.is_empty()).then_some("error-invalid_input"));
    let text = key.map(|key| match (key, form_errors.retry_after) {
        ("error-rate_limited", Some(seconds)) => lang.t1("error-rate_limited-wait", "seconds", seconds),
        _ => lang.t(key),
    });
    text.map(|text| view! { <p class="notice" data-kind="error" role="alert">{text}</p> })
}

/// A labelled input with its hint and its error.
#[component]
pub fn Field(
    lang: Lang,
    form_errors: FormErrors,
    /// The field's name and id.
    name: &'static str,
    /// The label's locale key.
    label: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(into, optional)] value: String,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] inputmode: Option<&'static str>,
    /// The hint's locale key.
    #[prop(optional)]
    hint: Option<&'static str>,
    #[prop(default = true)] required: bool,
    #[prop(default = false)] autofocus: bool,
    #[prop(optional)] minlength: Option<u32>,
    #[prop(optional)] maxlength: Option<u32>,
    /// What stands under the input, such as a meter.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let error = form_errors.field(name, lang);
    let described = describe(name, hint.is_some(), error.is_some());
    view! {
        <div class="field">
            <label for=name>{lang.t(label)}</label>
            <input
                id=name
                name=name
                type=kind
                value=(kind != "password").then_some(value)
                autocomplete=autocomplete
                inputmode=inputmode
                required=required
                autofocus=autofocus
                minlength=minlength
                maxlength=maxlength
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
            />
            {hint.map(|hint| view! { <p class="hint" id=format!("{name}-hint")>{lang.t(hint)}</p> })}
            {error_text(name, error)}
            {children.map(|children| children())}
        </div>
    }
}

/// The current password, which can be looked at while it is typed.
#[component]
pub fn CurrentPassword(
    lang: Lang,
    form_errors: FormErrors,
    name: &'static str,
    label: &'static str,
    #[prop(default = false)] autofocus: bool,
) -> impl IntoView {
    view! {
        <Field lang form_errors name label kind="password" autocomplete="current-password" autofocus>
            <ShowPassword lang input=name />
        </Field>
    }
}

/// A button that shows what is typed into a password field; `public/page.js` makes it work, and visible.
#[component]
pub fn ShowPassword(
    lang: Lang,
    /// The field's id.
    input: &'static str,
) -> impl IntoView {
    use_script();
    view! {
        <button type="button" class="show-password" hidden aria-controls=input aria-pressed="false">
            {lang.t("show-password-label")}
        </button>
    }
}

/// Without a score, and for each from 0 to 4.
const METER_LABELS: [&str; 6] = [
    "password-meter-hint",
    "password-meter-score-0",
    "password-meter-score-1",
    "password-meter-score-2",
    "password-meter-score-3",
    "password-meter-score-4",
];

/// How strong a password is, while it is typed; `public/page.js` asks the server, and shows the meter.
#[component]
pub fn PasswordMeter(
    lang: Lang,
    /// The field's id.
    input: &'static str,
    /// The id of the e-mail field, whose text makes a poor password.
    email: Option<&'static str>,
) -> impl IntoView {
    use_script();
    let labels = serde_json::json!(METER_LABELS.map(|key| lang.t(key))).to_string();
    view! {
        <div class="password-meter" hidden data-input=input data-email=email data-labels=labels
            data-path=password_strength::PATH>
            // The line below says the same as text.
            <meter min="0" max="4" low="2" high="2.5" optimum="4" value="0" aria-hidden="true"></meter>
            <p role="status"></p>
        </div>
    }
}

/// A labelled text of several lines.
#[component]
pub fn TextField(
    lang: Lang,
    form_errors: FormErrors,
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    maxlength: u32,
) -> impl IntoView {
    let error = form_errors.field(name, lang);
    let described = describe(name, true, error.is_some());
    view! {
        <div class="field">
            <label for=name>{lang.t(label)}</label>
            // leptos writes a text inside <textarea> as it is, so it is escaped here. The first line break is one that
            // the browser drops, so that it drops none of the text.
            <textarea
                id=name
                name=name
                rows="4"
                maxlength=maxlength
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
                inner_html=format!("\n{}", html_escape::encode_text(&value))
            ></textarea>
            <p class="hint" id=format!("{name}-hint")>{lang.t(hint)}</p>
            {error_text(name, error)}
        </div>
    }
}

/// A field's error, under it.
pub fn error_text(name: &str, error: Option<String>) -> impl IntoView {
    error.map(|error| view! { <p class="validation-error" id=format!("{name}-error")>{error}</p> })
}

/// The field's `aria-describedby`: the ids of its error and its hint, of those that there are.
pub fn describe(name: &str, hint: bool, error: bool) -> Option<String> {
    match (hint, error) {
        (false, false) => None,
        (true, false) => Some(format!("{name}-hint")),
        (false, true) => Some(format!("{name}-error")),
        (true, true) => Some(format!("{name}-error {name}-hint")),
    }
}
