## What the browser's side says. `%n%` is a number that only the browser knows.

keeper-idle-title = Are you still there?
keeper-idle-text = You have not done anything for a while. To protect your account, you will be signed out in:
keeper-absolute-title = Your sign-in is about to end
keeper-absolute-text = A sign-in lasts for a limited time only and cannot be extended. Please save your work, and sign in again afterwards. Time left:
keeper-seconds-left = %n% seconds left.
keeper-stay = Stay signed in
keeper-dismiss = Got it
keeper-sign-out = Sign out
keeper-offline = No connection. Trying again…
keeper-ended-title = Sign in again
keeper-ended-text = This page stays as you left it.
keeper-email = Email
keeper-password = Password
keeper-sign-in = Sign in
keeper-wrong-password = That password is not right. Please try again.
keeper-sign-in-failed = Signing in did not work. Please try again in a moment.
keeper-sign-in-page = Go to the sign-in page
keeper-github = Continue with GitHub
keeper-draft-restored = Your unsaved text was restored.
keeper-draft-discard = Discard

keeper-reason-signed-out = You signed out.
keeper-reason-idle-timeout = You were signed out because nothing happened for a while.
keeper-reason-absolute-timeout = You were signed out because the time limit of your sign-in was reached.
keeper-reason-revoked-by-user = You were signed out from another of your devices.
keeper-reason-revoked-by-admin = An administrator signed you out.
keeper-reason-device-limit = You were signed out because you signed in on another device and reached the limit of devices.
keeper-reason-password-changed = You were signed out because your password was changed.
keeper-reason-account-disabled = Your account has been disabled. Please contact an administrator.
keeper-reason-refresh-reuse = You were signed out to protect your account, because someone may have used a copy of your sign-in.
keeper-reason-unknown = You are no longer signed in.

password-meter-hint = A few unrelated words make a strong password.
password-meter-score-0 = Very weak: easily guessed
password-meter-score-1 = Weak: soon guessed
password-meter-score-2 = Fair: could be stronger
password-meter-score-3 = Good
password-meter-score-4 = Strong
