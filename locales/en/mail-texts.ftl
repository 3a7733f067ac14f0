# What messages say

message-account = Account
message-new-email = New address
message-time = Time
message-device = Device
message-ip = IP address
message-unknown-device = Unknown device
message-link = If the button doesn’t work, open this address in your browser:
message-expires = The link works once and expires in { $time }.
message-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
message-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
message-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
message-footer = Sent automatically by Sekisho at { $site }

## Links that were asked for

message-verify_email-subject = Confirm your email address
message-verify_email-text = An account was created with this email address. Confirm that it’s yours.
message-verify_email-button = Confirm email address
message-verify_email-ignore = Didn’t create an account? Then ignore this message, and the address stays unconfirmed.
message-account_exists-subject = You already have an account
message-account_exists-text = Somebody tried to create an account with your email address, or to change another account’s address to it. It already belongs to your account, so nothing was changed. If it was you, sign in.
message-account_exists-button = Sign in
message-account_exists-ignore = If it wasn’t you, you don’t need to do anything.
message-forgot = Forgot your password? Set a new one here:
message-reset_password-subject = Reset your password
message-reset_password-text = We received a request to reset the password of your account. Set a new one, and you’ll be signed out on all devices.
message-reset_password-button = Set new password
message-reset_password-ignore = If you didn’t ask for this, ignore this message. Nothing changes, and your password stays the same.
message-confirm_email-subject = Confirm your new email address
message-confirm_email-text = We received a request to change the email address of an account to this one. The change takes effect when you confirm it.
message-confirm_email-button = Confirm new address
message-confirm_email-ignore = If you didn’t ask for this, ignore this message. Nothing changes.

## Security notices

message-not-me = If this was you, you don’t need to do anything. If it wasn’t, secure your account now:
message-not-me-button = This wasn’t me
message-not-me-effect = It opens a page where you can sign out all devices, undo what was changed and set a new password.
message-administrator = An administrator did this. If you didn’t expect it, ask them.
message-turn-off = You can turn off messages about new devices in your account settings:
message-notice-new_device-subject = New sign-in to your account
message-notice-new_device-text = Somebody signed in to your account on a device or network that it hasn’t been used on before.
message-notice-password_changed-subject = Your password was changed
message-notice-password_changed-text = The password of your account was changed.
message-notice-email_changed-subject = Your email address was changed
message-notice-email_changed-text = The email address of your account was changed. From now on, messages about your account go to the new one.
message-notice-recovery_used-subject = Your password was reset
message-notice-recovery_used-text = A link from an email was used to set a new password for your account. All devices were signed out.
message-notice-github_linked-subject = A GitHub account was linked
message-notice-github_linked-text = A GitHub account was linked to your account, and can now be used to sign in to it.
message-notice-github_unlinked-subject = A GitHub account was unlinked
message-notice-github_unlinked-text = A GitHub account was removed from your account, and can no longer be used to sign in to it.
message-notice-refresh_reuse-subject = We signed out a device to protect your account
message-notice-refresh_reuse-text = A sign-in token of one of your apps was used twice, so somebody may have copied it. We ended that session, and no copy works any more. In the app, sign in again.
message-notice-not_me-subject = This address no longer belongs to an account
message-notice-not_me-text = Whoever reads mail at the account’s earlier address undid the change to this one. All devices were signed out, and messages about the account no longer come here.
message-notice-account_deletion_requested-subject = Your account will be deleted in 7 days
message-notice-account_deletion_requested-text = Somebody asked for your account to be deleted. In 7 days it is removed with everything stored about you. Until then you can keep it: sign in and choose “Keep my account”.
message-notice-second_factor_added-subject = Two-step verification was turned on
message-notice-second_factor_added-text = A second factor was added to your account. From now on, signing in asks for it.
message-notice-second_factor_removed-subject = A second factor was removed
message-notice-second_factor_removed-text = A second factor was removed from your account. Signing in no longer asks for it.
message-notice-second_factor_reset_requested-subject = Your second factors will be removed
message-notice-second_factor_reset_requested-text = An administrator was asked to remove the authenticator app, passkeys and recovery codes of your account, and will do so in 24 hours. If you didn’t ask for this, sign in with one of them now: that stops it.
message-notice-recovery_code_used-subject = A recovery code was used
message-notice-recovery_code_used-text = Somebody signed in to your account, or confirmed a change to it, with a recovery code. That code no longer works.
message-notice-recovery_codes_regenerated-subject = New recovery codes were created
message-notice-recovery_codes_regenerated-text = New recovery codes were created for your account. The old ones no longer work.
message-notice-passkey_added-subject = A passkey was added
message-notice-passkey_added-text = A passkey was added to your account. It can be used to sign in without the password.
message-notice-passkey_removed-subject = A passkey was removed
message-notice-passkey_removed-text = A passkey was removed from your account. Devices that signed in with it were signed out.
message-notice-passkey_cloned-subject = A passkey may have been copied
message-notice-passkey_cloned-text = A passkey of your account was used in a way that suggests somebody has a copy of it. It is no longer accepted. Remove it and add a new one.
