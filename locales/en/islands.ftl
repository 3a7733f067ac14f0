## What the browser's side says. `%n%` is a number that only the browser knows. `{ key }` is a text of `main.ftl`.

keeper-idle-title = Are you still there?
keeper-idle-text = You haven't done anything for a while. To protect your account, you will be signed out in:
keeper-absolute-title = Your sign-in is about to end
keeper-absolute-text = A sign-in lasts for a limited time and can't be extended. Please save your work, and sign in again afterwards. Time left:
keeper-seconds-left = %n% seconds left.
keeper-stay = Stay signed in
keeper-dismiss = Got it
keeper-sign-out = { nav-sign-out }
keeper-offline = No connection. Trying again…
keeper-sign-in-title = Sign in again
keeper-sign-in-text = This page stays as you left it.
keeper-email = { email }
keeper-password = { password }
keeper-sign-in = { login-submit }
keeper-wrong-password = That password is not right. Please try again.
keeper-sign-in-failed = Signing in did not work. Please try again in a moment.
keeper-sign-in-page = Go to the sign-in page
keeper-code-text = Enter a code from your authenticator app, or a recovery code.
keeper-code = { second-factor-code }
keeper-wrong-code = { error-invalid_code }
keeper-passkey = { step-up-passkey }
keeper-draft-restored = Your unsaved text was restored.
keeper-draft-discard = Discard

keeper-end-reason-signed-out = { end-reason-signed_out }
keeper-end-reason-idle-timeout = { end-reason-idle_timeout }
keeper-end-reason-absolute-timeout = { end-reason-absolute_timeout }
keeper-end-reason-revoked-by-user = { end-reason-revoked_by_user }
keeper-end-reason-revoked-by-admin = { end-reason-revoked_by_admin }
keeper-end-reason-device-limit = { end-reason-device_limit }
keeper-end-reason-password-changed = { end-reason-password_changed }
keeper-end-reason-account-disabled = { end-reason-account_disabled }
keeper-end-reason-refresh-reuse = { end-reason-refresh_reuse }
keeper-end-reason-unknown = You are no longer signed in.

password-meter-hint = A few unrelated words make a strong password.
password-meter-score-0 = Very weak: easily guessed
password-meter-score-1 = Weak: soon guessed
password-meter-score-2 = Fair: could be stronger
password-meter-score-3 = Good
password-meter-score-4 = Strong
