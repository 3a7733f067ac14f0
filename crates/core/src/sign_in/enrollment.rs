//! Enrolment of a second factor in the course of a sign-in, where the policy requires one and the account has none.

use sekisho_model::AuthMethod;
use tracing::instrument;

use super::{PendingSignIn, SignIn};
use crate::{
    account::second_factors::enroll_totp, authenticator::recovery_code::RecoveryCode, error::Error,
    request_context::RequestContext, secret::OpaqueToken,
};

impl SignIn {
    /// Completes the enrolment of an authenticator app by a pending sign-in. Returns the token that continues the sign-in,
    /// which has its second factor by that, and recovery codes.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a wrong `code`, which uses nothing up; [`Error::FlowGone`], also if the account has a
    /// second factor by now, and whenever the proof is no longer valid.
    #[instrument(level = "debug", skip_all)]
    pub async fn enroll_totp(
        &self,
        (browser, token): (&OpaqueToken, &str),
        enrollment: &str,
        code: &str,
        context: &RequestContext,
    ) -> Result<(OpaqueToken, Vec<RecoveryCode>), Error> {
        let (authenticated, _) = self.look_pending(browser, token).await?;
        let totp = self.second_factors.confirm_pending(authenticated.user(), browser, enrollment, code).await?;
        let (authenticated, return_to) = self.take_pending(browser, token).await?;
        let (user, proof) = authenticated.into_parts();
        let mut work = self.store.begin(Some(context)).await?;
        let locked = self.sessions.revalidate(&mut work, &proof, proof.at).await.map_err(|error| match error {
            Error::Unavailable(_) | Error::Internal(_) => error,
            _ => Error::FlowGone,
        })?;
        // Whoever knows the password alone adds nothing beside what the owner has enrolled meanwhile.
        if locked.auth_methods.can_present_second_factor() {
            return Err(Error::FlowGone);
        }
        let codes = enroll_totp(&mut work, &user.id, totp).await?;
        work.commit().await?;
        let proof = proof.with_enrolled(AuthMethod::Totp);
        let token = self.suspend(browser, &PendingSignIn::new(user, proof), return_to).await?;
        Ok((token, codes))
    }
}
