# Breached passwords, export and deletion of one's data

field-password-breached = This password is known from a data breach, so others may try it. Choose a different one.
