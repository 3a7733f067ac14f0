//! Names of devices, from what they say of themselves.

/// A device name from the user agent: `Firefox · Linux`, or the first word if it is no browser (`curl/8.5`).
pub fn device_name(user_agent: &str) -> String {
    let known = |part: &str| !["", "UNKNOWN", "HTTP Library"].contains(&part);
    match woothee::parser::Parser::new().parse(user_agent) {
        Some(agent) if known(agent.name) && known(agent.os) => format!("{} · {}", agent.name, agent.os),
        Some(agent) if known(agent.name) => agent.name.to_owned(),
        _ => user_agent.split_whitespace().next().unwrap_or_default().chars().take(60).collect(),
    }
}
