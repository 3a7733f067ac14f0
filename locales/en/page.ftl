## What is on many pages: times, the footer, what a page says of itself

ago-now = just now
ago-minutes = { $count ->
    [one] 1 minute ago
   *[other] { $count } minutes ago
}
ago-hours = { $count ->
    [one] 1 hour ago
   *[other] { $count } hours ago
}
ago-days = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
}
left-minutes = { $count } min
left-hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
left-days = { $count ->
    [one] 1 day
   *[other] { $count } days
}
moment-today = today { $time }
moment-tomorrow = tomorrow { $time }
day-today = Today
day-yesterday = Yesterday
day-monday = Monday
day-tuesday = Tuesday
day-wednesday = Wednesday
day-thursday = Thursday
day-friday = Friday
day-saturday = Saturday
day-sunday = Sunday
times-utc = Days and times are UTC.
footer-documentation = Documentation
footer-source = Source
footer-status = Status
theme-label = Colours
theme-system = System
theme-light = Light
theme-dark = Dark
meta-home = Self-hosted sign-in: every device in view, ended at once, and the truth when you are signed out.
meta-login = Sign in to your account.
meta-register = Create an account.

## The password meter

password-meter-hint = A few unrelated words make a strong password.
password-meter-score-0 = Very weak: easily guessed
password-meter-score-1 = Weak: soon guessed
password-meter-score-2 = Fair: could be stronger
password-meter-score-3 = Good
password-meter-score-4 = Strong
