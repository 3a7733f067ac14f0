//! What devices are, from what they say of themselves.

use woothee::parser::{Parser, WootheeResult};

/// The browser's family, system and version, as its user agent has them; `None` where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `Firefox`.
    pub browser: Option<String>,
    /// `140`.
    pub version: Option<String>,
    /// As its maker spells it: `macOS`, `iPadOS`, `Windows`.
    pub system: Option<String>,
    /// What it looks like.
    pub form: DeviceForm,
}

/// What a device looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceForm {
    /// A computer with a browser.
    Desktop,
    /// Held in one hand.
    Phone,
    /// Held in two.
    Tablet,
    /// An app, a script or a command line.
    #[default]
    Terminal,
}

impl Client {
    /// Reads a user agent. That is the client's own word: fit to be shown, not to be trusted.
    pub fn parse(user_agent: &str) -> Self {
        let Some(agent) = Parser::new().parse(user_agent) else { return Self::default() };
        let system = system(agent.os, user_agent);
        Self {
            browser: known(agent.name).map(ToOwned::to_owned),
            version: version(&agent),
            form: match (agent.category, system) {
                (_, Some("iPadOS")) => DeviceForm::Tablet,
                (_, Some("Android")) if !user_agent.contains("Mobile") => DeviceForm::Tablet,
                ("smartphone" | "mobilephone", _) => DeviceForm::Phone,
                ("pc", _) => DeviceForm::Desktop,
                _ => DeviceForm::Terminal,
            },
            system: system.map(ToOwned::to_owned),
        }
    }
}

fn known(name: &str) -> Option<&str> {
    (!["", "UNKNOWN", "HTTP Library"].contains(&name)).then_some(name)
}

fn version(agent: &WootheeResult<'_>) -> Option<String> {
    let major = agent.version.split('.').next()?;
    (!major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit())).then(|| major.to_owned())
}

/// As its maker spells it. Windows 11 says that it is 10, so a number would be a guess.
fn system<'a>(os: &'a str, user_agent: &str) -> Option<&'a str> {
    Some(match known(os)? {
        "Mac OSX" => "macOS",
        "iPhone" | "iPod" | "iOS" => "iOS",
        "iPad" => "iPadOS",
        "ChromeOS" => "ChromeOS",
        "Linux" if user_agent.contains("CrOS") => "ChromeOS",
        windows if windows.starts_with("Windows") && !windows.contains("Phone") => "Windows",
        other => other,
    })
}

/// A device name from the user agent: `Firefox · Linux`, or the first word if it is no browser (`curl/8.5`).
pub fn device_name(user_agent: &str) -> String {
    let agent = Parser::new().parse(user_agent);
    match agent.as_ref().map(|agent| (known(agent.name), known(agent.os))) {
        Some((Some(name), Some(os))) => format!("{name} · {os}"),
        Some((Some(name), None)) => name.to_owned(),
        _ => user_agent.split_whitespace().next().unwrap_or_default().chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(user_agent: &str) -> (String, DeviceForm) {
        let Client { browser, version, system, form } = Client::parse(user_agent);
        let words = [browser, version, system];
        (words.into_iter().flatten().collect::<Vec<_>>().join(" "), form)
    }

    #[test]
    fn browsers_and_systems_are_named_as_their_makers_do() {
        for (user_agent, text, form) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140 Linux",
                DeviceForm::Desktop,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Safari/605.1.15",
                "Safari 17 macOS",
                DeviceForm::Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Safari/537.36",
                "Chrome 131 Windows",
                DeviceForm::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari 17 iOS",
                DeviceForm::Phone,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/16.6 Mobile/15E148 Safari/604.1",
                "Safari 16 iPadOS",
                DeviceForm::Tablet,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome 131 Android",
                DeviceForm::Phone,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Safari/537.36",
                "Chrome 131 Android",
                DeviceForm::Tablet,
            ),
            ("my-app/1.0", "", DeviceForm::Terminal),
            ("", "", DeviceForm::Terminal),
        ] {
            assert_eq!(words(user_agent), (text.to_owned(), form), "{user_agent}");
        }
        assert_eq!(Client::parse("curl/8.5.0").form, DeviceForm::Terminal);
        assert_eq!(device_name("curl/8.5.0"), "curl/8.5.0");
    }
}
