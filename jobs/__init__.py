"""The door for the clock: what happens because it is time.

Reading order: `schedule` (the whole timetable), `scheduler` (what keeps to it), `digests`, `mail_sender` (which looks
at its outbox all the time, and is no job).
"""
