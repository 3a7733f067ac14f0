//! `fetch` to this origin, with the cookie: a JSON body in the request, and one in the response.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit};

use super::fields::Fields;

/// In milliseconds. A connection that is open but dead would otherwise hang for minutes.
const TIMEOUT: u32 = 15_000;

pub struct Response {
    status: u16,
    /// Without members where the body was not JSON.
    pub body: Fields,
}

/// `None`: no response, because of the network or the timeout.
pub async fn post(path: &str, body: Option<Fields>) -> Option<Response> {
    send(path, body).await.ok()
}

async fn send(path: &str, body: Option<Fields>) -> Result<Response, JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
    if let Some(body) = body {
        let headers = Headers::new()?;
        headers.set("content-type", "application/json")?;
        request.set_headers(&headers);
        request.set_body(&body.json().into());
    }
    let response: web_sys::Response =
        JsFuture::from(window().fetch_with_str_and_init(path, &request)).await?.unchecked_into();
    let body = match response.json() {
        Ok(body) => JsFuture::from(body).await.unwrap_or(JsValue::UNDEFINED),
        Err(_) => JsValue::UNDEFINED,
    };
    Ok(Response { status: response.status(), body: body.into() })
}

impl Response {
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// Whether the problem's `detail` is text for the person: forbidden, rate limited, overloaded.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, 403 | 429 | 503)
    }

    /// The problem code of a 401 of this server. A 401 without a code comes from somebody else, such as a proxy or a
    /// captive portal, and says nothing about the session.
    pub fn unauthorized(&self) -> Option<String> {
        (self.status == 401).then(|| self.body.text("code")).flatten()
    }
}
