"""E-mail: how the mails of the outbox look, and how they leave.

Reading order: `settings` (SMTP_URL and MAIL_FROM), `templates` (one folder, two files a kind), `letter` (one mail as
bytes: text, HTML, headers), `smtp` and `files` (the two ways out), `mailer` (puts them together).
"""
