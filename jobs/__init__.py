"""The door for the clock: what happens because it is time.

Reading order: `schedule` (the whole timetable), `scheduler` (what keeps to it).
"""
