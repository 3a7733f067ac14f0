//! What devices are called, and what they look like.

use super::icon::Icon;
use crate::locale::Lang;
use sekisho_core::{Client, Device, Session, session};
use sekisho_model::SessionKind;

/// A device in words.
#[derive(Clone, Debug)]
pub struct NamedClient {
    /// What it is called: by its owner, by its app, or by its browser and system.
    pub name: String,
    /// `Firefox 140 on Linux`, where the name is not made of that.
    pub client: Option<String>,
    /// `140`, where it is.
    pub version: Option<String>,
    pub icon: Icon,
}

impl NamedClient {
    /// Of a session; `own_name` is what its owner calls it.
    pub fn of_session(lang: Lang, session: &Session, own_name: Option<&str>) -> Self {
        Self::new(lang, session.kind, &session.device, &session.user_agent, own_name)
    }

    /// Of a device in the log, whose session may have ended.
    pub fn of_device(lang: Lang, device: &Device) -> Self {
        Self::new(lang, device.kind, &device.device, &device.user_agent, device.name.as_deref())
    }

    /// Of a request without a session.
    pub fn of_user_agent(lang: Lang, user_agent: &str) -> Self {
        Self::new(lang, SessionKind::Browser, &session::device_name(user_agent), user_agent, None)
    }

    fn new(lang: Lang, kind: SessionKind, device: &str, user_agent: &str, own_name: Option<&str>) -> Self {
        let client = Client::parse(user_agent);
        let icon = match kind {
            SessionKind::Browser => client.form.into(),
            SessionKind::Api => Icon::Terminal,
        };
        let chosen_by_app = !device.is_empty() && device != session::device_name(user_agent);
        let given = own_name.map(ToOwned::to_owned).or(chosen_by_app.then(|| device.to_owned()));
        let short = describe(lang, client.browser.as_deref(), client.system.as_deref());
        let fallback = || if device.is_empty() { lang.t("devices-unknown") } else { device.to_owned() };
        let Some(name) = given else {
            return Self { name: short.unwrap_or_else(fallback), client: None, version: client.version, icon };
        };
        let browser = client.browser.map(|browser| [Some(browser), client.version]);
        let browser = browser.map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
        Self { name, client: describe(lang, browser.as_deref(), client.system.as_deref()), version: None, icon }
    }
}

/// `Firefox on Linux`; nothing where no browser is known.
fn describe(lang: Lang, browser: Option<&str>, system: Option<&str>) -> Option<String> {
    match (browser?, system) {
        (browser, Some(system)) => {
            Some(lang.t_with("client-browser-on-system", &[("browser", browser), ("system", system)]))
        }
        (browser, None) => Some(browser.to_owned()),
    }
}
