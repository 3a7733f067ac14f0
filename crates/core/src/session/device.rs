//! Device names, and recognition of known devices.

use crate::{
    db::sessions::{
        Session,
        devices::{self, KnownDevice},
    },
    error::Error,
    network::is_among,
    request_context::RequestContext,
    unit_of_work::UnitOfWork,
};

/// An earlier session of the user on a device with this name in this network.
pub(super) async fn known_device(
    work: &mut UnitOfWork<'_>,
    session: &Session,
    context: &RequestContext,
) -> Result<Option<KnownDevice>, Error> {
    let Session { user_id, kind, device, ip, .. } = session;
    if let Some(known) = devices::find_device(work.db(), user_id, *kind, device, ip).await? {
        return Ok(Some(known));
    }
    let mut known = devices::list_devices(work.db(), user_id, *kind, device).await?.into_iter();
    Ok(known.find(|device| is_among(context.ip, std::slice::from_ref(&device.ip))))
}

/// A device name from the user agent: `Firefox · Linux`, or the first word if it is no browser (`curl/8.5`).
pub fn device_name(user_agent: &str) -> String {
    let known = |part: &str| !["", "UNKNOWN", "HTTP Library"].contains(&part);
    match woothee::parser::Parser::new().parse(user_agent) {
        Some(agent) if known(agent.name) && known(agent.os) => format!("{} · {}", agent.name, agent.os),
        Some(agent) if known(agent.name) => agent.name.to_owned(),
        _ => user_agent.split_whitespace().next().unwrap_or_default().chars().take(60).collect(),
    }
}
