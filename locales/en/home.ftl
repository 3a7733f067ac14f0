## Home, signed in

home-welcome = Welcome, { $name }
home-unavailable = The rest of this page can’t be read at the moment. You are still signed in; please try again shortly.
home-alerts = { $count ->
    [one] One security event is waiting for your review.
   *[other] { $count } security events are waiting for your review.
}
home-alerts-review = Review
home-day = Last 24 hours on this site
home-day-registered = New accounts
home-day-live = Live sessions now
home-signed-in = Signed in
home-active = Active
home-previous = Last sign-in before this one
home-latest = Latest activity
home-latest-all = See all activity
home-devices = Other devices
home-devices-more = See all devices
home-to-devices = Manage devices
home-checks = Account safety
home-checks-done = { $done } of { $all } done
home-check-done = Done:
home-check-open = To do:
home-check-email = Verified email address
home-check-email-advice = Verify your address so that you can always get back in.
home-check-factor = Passkey or two-step verification
home-check-factor-advice = Add a passkey or an authenticator app, so that you don’t rely on a password alone.
home-check-codes = Recovery codes
home-check-github = GitHub linked
home-check-github-advice = Link GitHub for a second way to sign in.

## Home, for strangers

home-demo-label = A device is signed out in the list, and within a second the phone says so. The unsent text on it is kept.
home-demo-script = Backup script
home-demo-typed = See you at the gate at eight, and bring the
home-demo-kept = Your text is kept.

## One's own log

security-new-sign-in = New sign-in
security-new-sign-in-hint = From a new device or network
security-event-on = { $event }: { $device }
security-flag-failure = Failed
security-flag-theft = Possible theft
security-by-administrator = By an administrator
security-was-this-you = Was this you?
security-not-me = No, secure my account
security-notices-all-seen = Yes, all of this was me
security-show = Show
security-show-submit = Filter
security-show-all = Everything
security-show-sign-ins = Sign-ins
security-show-problems = Failures and alerts
security-show-ends = Sign-outs
security-show-changes = Changes to the account

## Devices

client-browser-on-system = { $browser } on { $system }
devices-version = Version
devices-active-now = Now
devices-ends-idle-latest = Signs out in { $idle } if you are away, { $latest } at the latest.
devices-ends-idle = Signs out in { $idle } if you are away.
devices-ends-latest = Signs out { $latest } at the latest.
devices-done-which = { $device } was signed out.
devices-done-renamed = The name was saved.
devices-rename = Rename
devices-rename-label = Rename { $device }
devices-name = Name
devices-name-hint = Only you see it. Leave it empty for the device’s own name.
devices-name-save = Save name
