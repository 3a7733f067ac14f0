//! `fetch` to this origin, with the cookie: JSON out, JSON in.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

use super::fields::Fields;

/// A connection that is open but dead must not keep anyone waiting for minutes.
const TIMEOUT: u32 = 15_000;

pub struct Answer {
    status: u16,
    /// Empty where the body was not JSON.
    pub body: Fields,
}

/// `None` when nothing came back.
pub async fn post(path: &str, body: Option<Fields>) -> Option<Answer> {
    send(path, body).await.ok()
}

async fn send(path: &str, body: Option<Fields>) -> Result<Answer, JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
    if let Some(body) = body {
        let headers = Headers::new()?;
        headers.set("content-type", "application/json")?;
        request.set_headers(&headers);
        request.set_body(&body.json().into());
    }
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(path, &request)).await?.unchecked_into();
    let body = match response.json() {
        Ok(body) => JsFuture::from(body).await.unwrap_or(JsValue::UNDEFINED),
        Err(_) => JsValue::UNDEFINED,
    };
    Ok(Answer { status: response.status(), body: body.into() })
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// Whether the server says why it does not do it, in words for the person: not allowed, too often, too busy.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, 403 | 429 | 503)
    }

    /// Whether the server has no time for it now.
    pub fn is_overload(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// The code of a 401 of this server. Without one it is someone else's, a proxy's or a hotel network's, and says
    /// nothing about the session.
    pub fn unauthorized(&self) -> Option<String> {
        (self.status == 401).then(|| self.body.text("code")).flatten()
    }
}
