//! Trusted browsers: one that presented a second factor needs no other for a while, for the same account. It proves
//! nothing by itself, and a session that begins so has one factor.

use sekisho_model::{EventKind, UserId};

use crate::{
    audit::event::Entry,
    clock::millis,
    db::trusted_browsers::{self, TrustedBrowser},
    error::Error,
    policy::Policy,
    request_context::RequestContext,
    secret::OpaqueToken,
    unit_of_work::UnitOfWork,
    user_agent::device_name,
};

/// Prefix of the cookie's token, by which secret scanners find leaks.
pub(crate) const PREFIX: &str = "sk_tb_";

/// Whether the browser is trusted for this user; records the use. What was trusted for longer than the policy allows by
/// now is not.
pub(crate) async fn is_trusted(
    work: &mut UnitOfWork<'_>,
    user_id: &UserId,
    policy: &Policy,
    context: &RequestContext,
) -> Result<bool, Error> {
    let token = context.trusted_browser.as_deref().and_then(|token| OpaqueToken::parse(PREFIX, token));
    let (Some(token), Some(lifetime)) = (token, policy.trust_browser) else { return Ok(false) };
    let (now, ip) = (work.now, context.ip.to_string());
    Ok(trusted_browsers::touch(work.db(), &token.hash(), user_id, &ip, now - millis(lifetime), now).await?)
}

/// Trusts the browser with this token.
pub(crate) async fn trust(
    work: &mut UnitOfWork<'_>,
    user_id: &UserId,
    token: &OpaqueToken,
    policy: &Policy,
    context: &RequestContext,
) -> Result<(), Error> {
    let Some(lifetime) = policy.trust_browser else { return Ok(()) };
    let now = work.now;
    let browser = TrustedBrowser {
        hash: token.hash(),
        user_id: user_id.clone(),
        device: device_name(&context.user_agent),
        ip: context.ip.to_string(),
        created_at: now,
        last_used_at: None,
        expires_at: now + millis(lifetime),
    };
    trusted_browsers::insert(work.db(), &browser).await?;
    work.log(Entry::new(EventKind::BrowserTrusted).user(user_id));
    Ok(())
}
