//! Recognition of known devices.

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
