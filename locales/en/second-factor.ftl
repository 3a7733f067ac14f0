# Second factors: codes at sign-in, enrolment, recovery codes, trusted browsers

second-factor-title = Confirm it’s you
second-factor-passkey-text = Confirm that it’s you with your passkey.
second-factor-passkey-no-script = A passkey needs JavaScript.
second-factor-text = Open your authenticator app and enter the six-digit code that it shows for this site.
second-factor-code = Code
second-factor-trust = Don’t ask for a code in this browser for { $days ->
    [one] one day
   *[other] { $days } days
}
second-factor-trust-hint = Only on a device of your own.
second-factor-submit = Continue
second-factor-recovery = Use a recovery code instead
second-factor-recovery-text = If you don’t have your authenticator app, enter one of your recovery codes. Each of them works once.
second-factor-recovery-code = Recovery code

enroll-title = Protect your account
enroll-text = This site requires a second step when you sign in, so that a stolen password is not enough. Set it up now; your sign-in then continues.

account-security-title = Signing in
account-security-lead = How you sign in to your account, and what protects it beside your password.
account-security-since = Since
account-security-no-password = Your account has no password.
account-security-manage = Manage
account-security-link = Password, authenticator app, recovery codes and trusted browsers.
account-security-open = Open sign-in settings

totp-title = Authenticator app
totp-text = Not set up. With an app on your phone, nobody signs in with your password alone.
totp-scan = Scan this with an authenticator app on your phone.
totp-qr = QR code for the authenticator app
totp-link = Open in an app on this device
totp-type = Can’t scan it?
totp-type-text = Enter this key in your app instead:
totp-code = Code from the app
totp-code-hint = The app shows six digits. Enter them to finish.
totp-submit = Turn on
totp-set-up = Set up an authenticator app
totp-last-used = Last used
totp-required = A second step is required here. You can replace the app, but not remove your last second step.
totp-replace = Use another app
totp-remove = Remove the authenticator app
totp-done-added = Your authenticator app is set up.
totp-done-removed = The authenticator app was removed. You now sign in without a code.

recovery-codes-title = Recovery codes
recovery-codes-text = If you lose your authenticator app, sign in with one of these codes. Each of them works once.
recovery-codes-once = Save them now: they are not shown again. Codes that you had before no longer work.
recovery-codes-download = Download as a text file
recovery-codes-print = Or print this page. Keep them where others can’t find them.
recovery-codes-saved = I have saved them
recovery-codes-left = { $count ->
    [one] One code is left.
   *[other] { $count } codes are left.
}
recovery-codes-few = Make new codes before you run out of them.
recovery-codes-regenerate = Make new recovery codes
recovery-codes-done = You have new recovery codes.

trusted-browsers-title = Trusted browsers
trusted-browsers-text = These browsers are not asked for a code when you sign in.
trusted-browsers-empty = There are none.
trusted-browsers-last-used = Last used
trusted-browsers-remove = Remove
trusted-browsers-remove-label = No longer trust { $device }
trusted-browsers-done = This browser is asked for a code again.

step-up-text-password-code = For this, enter your password and a code; what you asked for then happens.
step-up-text-code = For this, enter a code; what you asked for then happens.
step-up-code-hint = From your authenticator app, or a recovery code.

event-second_factor_added = Second step set up
event-second_factor_removed = Second step removed
event-second_factor_failed = Wrong code after a right password
event-recovery_code_used = Recovery code used
event-recovery_codes_regenerated = New recovery codes made
event-browser_trusted = Browser trusted

error-second_factor_required = Enter a code of your second step to sign in.
error-second_factor_enrollment_required = This site requires a second step. Sign in on the sign-in page to set it up.
error-invalid_code = This code is not right, or was used already. Please try again with a new one.
error-last_second_factor = A second step is required here, and this is your only one. Set up another one first.
field-code-wrong = This code is not right, or was used already. Wait for the next one.

admin-factors = Second factors
admin-factors-text = If they lost their authenticator app, passkeys and recovery codes, you can remove them. Make sure who asks. The owner is told and has 24 hours to stop it; signing in with a second factor stops it, too.
admin-factors-reset = Remove second factors in 24 hours
admin-factors-pending = Second factors will be removed:
admin-factors-keep = Keep second factors
admin-done-reset = The second factors will be removed in 24 hours. The owner was told.
admin-done-kept = The second factors are kept.
factor-reset-pending = An administrator will remove your authenticator app, passkeys and recovery codes:
factor-reset-keep = Keep them
factor-reset-kept = Your second factors are kept.
event-second_factor_reset_requested = Removal of second factors requested by an administrator
event-second_factor_reset_cancelled = Removal of second factors stopped
