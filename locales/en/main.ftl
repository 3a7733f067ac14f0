## The pages, in English. `main.ftl` in the other languages has the same keys in the same order.

brand = Sekisho
skip = Skip to content
nav-label = Account
nav-account = Account
nav-devices = Devices
nav-security = Security
nav-news = New security notice
nav-admin = Admin
nav-sign-in = Sign in
nav-register = Create account
nav-sign-out = Sign out
language-label = Language

## Landing

home-title = Sign-in you stay in control of
home-lead = Sekisho signs people in and always knows who is signed in. Pages use sessions that can be seen, limited and ended at once; the API uses short-lived tokens that can be verified without a look-up, and that end at once as well.
home-sessions-title = Every device, in view
home-sessions-text = Browsers, apps and command lines are all devices. End any of them, and its cookie and tokens end together.
home-tokens-title = Tokens any service can verify
home-tokens-text = Signed, valid for minutes, and renewed silently before they expire. A refresh token works once; if a stolen one is used, the session ends.
home-truth-title = The truth when you are signed out
home-truth-text = You are told why, everywhere at once, and what you were typing is still there.

## Signing in

login-title = Sign in
login-submit = Sign in
login-no-account = No account yet?
login-github = Continue with GitHub
or = or
email = Email
password = Password
show-password-label = Show password
register-title = Create your account
register-submit = Create account
register-have-account = Already have an account?
register-closed = New accounts can't be created here. Ask an administrator for one.
name = Name
name-hint = How others see you. Optional.
password-hint = At least 8 characters.

## One device too many

device-limit-title = All your devices are in use
device-limit-text = You can be signed in on a limited number of devices at once. Sign out on one of them, and you are signed in here.

## Step-up

step-up-title = Confirm it's you
step-up-text = You signed in a while ago. Enter your password to continue; what you asked for then happens.
step-up-text-password = You are signed in with GitHub. For this, enter your password; what you asked for then happens.
step-up-text-github = You signed in a while ago. Confirm at GitHub that it's you. You then come back to where you were; please do it again there.
step-up-text-password-first = GitHub alone is not enough for an administrator: this needs a password, and your account has none. Whoever runs this server can set one with “sekisho user password --keep-links”.
step-up-text-no-way = You signed in a while ago, so you have to confirm that it's you. That can't be done here: your only way to sign in is GitHub, which this site no longer offers. Please ask an administrator.
step-up-asked-for = You asked for: { $action }
step-up-end-device = Sign out a device
step-up-export = Export the log
step-up-remove-role = Remove a role
step-up-submit = Confirm
step-up-cancel = Cancel

## Linking GitHub

confirm-link-title = Is this account yours?
confirm-link-text = There is already an account with the email address of your GitHub account { $login }. Enter its password to link the two.
confirm-link-submit = Link and sign in

## Account

account-title = Account
account-profile = Profile
account-about = About
account-about-hint = A few lines about yourself, up to 2,000 characters.
account-language = Language
account-language-auto = Same as the browser
account-save = Save changes
account-saved = Your changes were saved.
account-password = Password
account-password-text = Changing your password signs you out everywhere else.
account-password-change = Change password
account-password-set = Set a password
account-github = GitHub
account-github-linked = Linked to { $login }
account-github-not-linked = Not linked. Link it to sign in with one click.
account-github-link = Link GitHub
account-github-unlink = Unlink GitHub
account-github-only = GitHub is your only way in. Set a password before you unlink it.
account-linked = GitHub is linked.
account-unlinked = GitHub is no longer linked.
account-sign-in-title = Signing in

password-title = Change password
password-set-title = Set a password
password-set-again = Your sign-in was a while ago. To set a password, sign in with GitHub again; you then come back to this page.
password-set-admin = An administrator's first password is not set here, because GitHub alone does not prove who you are. Whoever runs this server can set one with “sekisho user password --keep-links”.
password-current = Current password
password-new = New password
password-change-submit = Change password
password-changed = Your password was changed. All other devices are signed out.
password-changed-unlinked = Your password was changed and GitHub is no longer linked. All other devices are signed out.
password-unlink = Also unlink GitHub
password-unlink-hint = Keep this ticked if somebody else may have known your password: they could have linked a GitHub account of their own. You can link yours again afterwards.
reset-remove-passkeys = Also remove GitHub links and passkeys from before
reset-remove-passkeys-hint = Keep this ticked if you’re not sure that all of them are yours. You can add yours again afterwards.

## Devices

devices-title = Devices
devices-lead = Everything that is signed in to your account. If you don't recognise something, sign it out and change your password.
devices-this = This device
devices-kind-browser = Browser
devices-kind-api = API
devices-signed-in = Signed in
devices-last-active = Last active
devices-ends = Ends
devices-address = Address
devices-end = Sign out
devices-end-label = Sign out { $device }
devices-end-others = Sign out all other devices
devices-done-one = The device was signed out.
devices-done-others = All other devices were signed out.
devices-only-this = No other device is signed in.
devices-unknown = Unknown device

## Security

security-title = Security
security-lead = What happened to your account, latest first.
security-notices = Please review
security-notices-text = If any of this wasn't you, change your password. That signs out all your other devices.
security-notices-seen = Yes, this was me
security-notices-new-device = This device is too new to dismiss notices. Dismiss them from a device you have used for more than a day.
security-notices-own = Notices about what you did on this device can be dismissed from another device, or after your next sign-in.
security-what = What
security-when = When
security-where = Where
security-empty = Nothing has happened yet.
event-registered = Account created
event-sign_in = Signed in
event-sign_in_failed = Failed attempt to sign in
event-new_device = Sign-in from a new device or network
event-step_up = Identity confirmed
event-step_up_failed = Failed attempt to confirm identity
event-session_ended = Session ended
event-password_changed = Password changed
event-github_linked = GitHub linked
event-github_unlinked = GitHub unlinked
event-refresh_replayed = Repeated sign-in renewal
event-refresh_reuse = Possible theft: a copied sign-in was used
event-account_disabled = Account disabled
event-account_enabled = Account enabled
event-roles_changed = Roles changed
event-role_saved = Role saved
event-role_removed = Role removed
event-everybody_ended = Everybody signed out
event-log_exported = Log exported
event-log_tampered = The log was tampered with
event-log_trimmed = Old log entries removed
event-key_rotated = Signing key rotated
event-key_withdrawn = Signing key withdrawn
event-secret_rotated = Server secret replaced
reason-signed_out = signed out
reason-idle_timeout = no activity
reason-absolute_timeout = time limit reached
reason-revoked_by_user = ended from another device
reason-revoked_by_admin = ended by an administrator
reason-device_limit = too many devices
reason-password_changed = password changed
reason-account_disabled = account disabled
reason-refresh_reuse = possible theft

## Administrator

admin-nav = Administration
admin-overview = Overview
admin-users = Users
admin-sessions = Sessions
admin-log = Log
admin-roles = Roles
list-older = Older
list-newest = Newest
admin-user = User
admin-disabled = Disabled
admin-created = Created

admin-figure-users = Accounts
admin-figure-disabled = Disabled accounts
admin-figure-browsers = Browser sessions
admin-figure-api = API sessions
admin-span = Time shown
admin-span-hours = Last 24 hours
admin-span-days = Last 30 days
admin-span-utc = Times are UTC.
admin-log-tampered = The audit log was tampered with. Entry { $seq } says when this was found and what is wrong. Don't rely on the entries before it.
admin-plot-sign-ins = Sign-ins
admin-plot-failures = Failed sign-ins
admin-plot-live = Live sessions
admin-plot-refreshes = Refreshed tokens
admin-plot-refresh-token-reuse = Refresh tokens used again
admin-plot-total = { $total } in total
admin-plot-peak = peak { $peak }
admin-plot-peak-at = peak at { $when }
admin-plot-numbers = Numbers
admin-plot-time = Time (UTC)
admin-plot-number = Number

admin-search = Email or name
admin-search-submit = Search
admin-filter = Show
admin-filter-all = Everybody
admin-filter-admins = Administrators
admin-filter-role = Role: { $role }
admin-users-empty = Nobody was found.
admin-you = You
admin-id = ID
admin-disabled-since = Disabled since
admin-live = Live sessions
admin-live-empty = Not signed in anywhere.
admin-log-latest = Latest log entries
admin-log-all = All entries
admin-roles-save = Save roles
admin-everything = Everything
admin-access = Access
admin-access-text = Signing out everywhere ends all sessions and tokens of this account at once. Disabling the account does so too, and nobody can sign in to it until it is enabled again.
admin-access-disabled = This account is disabled: nobody can sign in to it until it is enabled again.
admin-access-own = This is your own account. Sign out your devices here:
admin-sign-out = Sign out everywhere
admin-disable = Disable account
admin-enable = Enable account
admin-done-roles = The roles were saved.
admin-done-disabled = The account is disabled and signed out everywhere.
admin-done-enabled = The account is enabled again.
admin-done-signed-out = This account is signed out everywhere.
admin-done-ended = The session has ended.
admin-done-unlinked = GitHub is no longer linked to this account.
admin-done-global-sign-out = Everybody else was signed out.
admin-done-role-saved = The role was saved.
admin-done-role-removed = The role was removed.

admin-sessions-lead = Everything that is signed in, latest sign-in first.
admin-device = Device
admin-this-session = This session
admin-global-sign-out = Everybody
admin-global-sign-out-text = Ends every session but this one: those of all accounts, and your own on other devices. Cookies, refresh tokens and access tokens stop working at once, and everybody has to sign in again. The accounts themselves stay as they are.
admin-global-sign-out-sure = I want to sign everybody out
admin-global-sign-out-submit = Sign out everybody

admin-log-lead = What happened to all accounts, latest first.
admin-log-person = Person (email or ID)
admin-log-any = Everything
admin-log-network = Address or network
admin-log-from = From (UTC)
admin-log-to = Until (UTC)
admin-log-submit = Filter
admin-log-clear = Clear
admin-log-nobody = Nobody has this email address or ID.
admin-log-empty = There are no such entries.
admin-log-by = by { $person }
admin-log-details = Details
admin-log-time = Time (UTC)
admin-log-session = Session
admin-log-agent = User agent
admin-log-request = Request
admin-log-number = Number
admin-log-hash = Hash
admin-export = Export these entries:

admin-roles-lead = A role is a named set of permissions. A change takes effect at once, whatever a token still says.
admin-role = Role
admin-permissions = Permissions
admin-permissions-hint = Separated by spaces, such as orders:read orders:write, or orders:* for all of them.
admin-role-name-hint = Lower-case letters, digits and -. The name of an existing role changes its permissions.
admin-role-user = Nothing special; everybody has it
admin-role-fixed = Built in
admin-role-acts = Change or remove
admin-role-change = Change
admin-role-change-label = Change { $role }
admin-role-remove = Remove
admin-role-remove-label = Remove { $role }
admin-role-save-title = Create or change a role
admin-role-save = Save role

## Why somebody was signed out, on the sign-in page

end-reason-signed_out = You signed out.
end-reason-idle_timeout = You were signed out because nothing happened for a while.
end-reason-absolute_timeout = You were signed out because the time limit of your sign-in was reached.
end-reason-revoked_by_user = You were signed out from another of your devices.
end-reason-revoked_by_admin = An administrator signed you out.
end-reason-device_limit = You were signed out because you signed in on too many devices.
end-reason-password_changed = You were signed out because your password was changed.
end-reason-account_disabled = Your account has been disabled. Please contact an administrator.
end-reason-refresh_reuse = You were signed out to protect your account, because someone may have used a copy of your sign-in. Please change your password.

## Errors

error-title = That did not work
error-home = Go to the start page
error-back-to-sign-in = Back to sign-in
error-invalid_input = Please check what you entered.
error-invalid_json = The body is not valid JSON.
error-invalid_credentials = The email address or the password is not right.
error-unauthenticated = This needs an access token.
error-not_signed_in = You are not signed in.
error-invalid_token = The access token is not valid, or has expired.
error-invalid_refresh_token = The refresh token is not valid, or has ended. Sign in again.
error-session_revoked = This session has ended. Sign in again.
error-account_disabled = This account has been disabled. Please contact an administrator.
error-email_taken = This email address can't be registered. If it is yours, sign in instead.
error-registration_closed = New accounts can't be created here.
error-device_limit = You are signed in on as many devices as allowed. Sign out on one of them first.
error-forbidden = You are not allowed to do this.
error-new_device = This device is new to your account. Use one that you have used for more than a day.
error-insufficient_scope = This access token does not allow this.
error-last_admin = There is no other administrator. Make somebody else one first.
error-ceremony_gone = This has expired or was started in another browser. Please start again.
error-step_up_required = Please confirm that it's you by entering your password again.
error-last_way_in = This is your only way in. Add another one, such as a password, before you remove it.
error-invalid_client = The credentials of this service are not right.
error-cross_origin = The request came from another site and was refused.
error-not_found = There is nothing here.
error-method_not_allowed = This can't be done here.
error-bad_request = This is not a valid HTTP request.
error-uri_too_long = The address of the request is too long.
error-headers_too_large = The headers of the request are too large. Deleting this site's cookies may help.
error-request_timeout = What you sent arrived too slowly. Please try again.
error-too_large = That is too large. The limit is 64 kB.
error-unsupported_media_type = This needs the content type application/json.
error-rate_limited = Too many attempts. Please wait a moment and try again.
error-rate_limited-wait = Too many attempts. Try again in { $seconds } seconds.
error-busy = The server is busy at the moment. Please try again.
error-timeout = That took too long. Please try again.
error-internal = Something went wrong on our side. Please try again.
error-github_state = This sign-in with GitHub has expired or was started in another browser. Please start again.
error-github_denied = You did not allow the sign-in with GitHub.
error-github_expired = GitHub's answer came too late. Please start again.
error-github_refused = GitHub did not accept the sign-in. Please start again.
error-github_no_email = Your GitHub account has no verified primary email address. Verify one at GitHub, then start again.
error-github_down = GitHub did not answer as it should. Please try again later.
error-github_slow = GitHub took too long to answer. Please try again.
error-github_other = That is not the GitHub account that is linked here.
error-github_taken = This GitHub account is linked to another account, or your account to another GitHub account.

field-unknown = There is no such field.
field-missing = This field is missing.
field-duplicate = This field appears twice.
field-wrong-type = This field has the wrong type.
field-email-invalid = Enter one email address, such as name@example.com.
field-password-too-short = Use at least 8 characters.
field-password-too-long = Use at most 256 characters.
field-password-too-common = This password is too easily guessed. Try a few unrelated words.
field-password-wrong = This is not your current password.
field-name-empty = Enter a name.
field-name-too-long = Use at most 100 characters.
field-name-control = Use letters, digits and symbols, on one line.
field-about-too-long = Use at most 2,000 characters.
field-about-control = This contains characters that can't be shown.
field-locale-unknown = Choose one of the languages offered.
field-device-invalid = Use up to 100 characters on one line.
field-audience-unknown = There is no such service here.
field-scope-unknown = Use some of the scopes account:read, account, sessions and admin, separated by one space.
field-scope-exceeded = This session was not granted that much.
field-limit-invalid = Use a number from 1 to 100.
field-cursor-invalid = Use the cursor of an earlier response.
field-kind-unknown = Choose one of the kinds offered.
field-time-invalid = Use a time such as 2026-11-21T06:00.
field-network-invalid = Use an address, or a network: a /24, or a /64 for IPv6.
field-role-invalid = Use a lower-case letter, then up to 31 letters, digits and hyphens.
field-role-built-in = The roles admin and user can't be changed.
field-role-in-use = Somebody still has this role.
field-role-unknown = One of these roles does not exist, or there are too many.
field-permission-invalid = Use up to 32 words such as orders:read, orders:* or *.
field-disabled-self = You can't disable your own account.
