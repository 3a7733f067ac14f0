# Breached passwords, export and deletion of one's data

field-password-breached = This password is known from a data breach, so others may try it. Choose a different one.
data-title = Your data
data-back = Back to your account
data-export = Download your data
data-export-text = A file (JSON) with everything stored about you: profile, sign-in methods, sessions, messages and your security log. Passwords, keys and codes are not in it.
data-export-submit = Download
data-delete = Delete account
data-delete-text = You have 7 days to change your mind: until then, sign in and keep your account. When you delete it:
data-delete-sessions = All other devices are signed out now, and this one after 7 days.
data-delete-all = After 7 days, everything about you is deleted: your profile, email address, sign-in methods and sessions. Nothing can be restored.
data-delete-log = The security log keeps its entries without your name and email address until they expire.
data-pending-label = Account deletion
data-pending = Your account will be deleted:
data-keep = Keep my account
event-data_exported = Data exported
event-account_deletion_requested = Account deletion requested
event-account_deletion_cancelled = Account deletion cancelled
