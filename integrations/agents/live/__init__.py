"""Sharing an agent that is running now: its transcript as it grows, and the files that it touches.

Reading order: `discover` (which transcript), `tail` (its lines, as they come), `spool` (what was read and is not
acknowledged yet, on disk), `paths` and `workspace` (one file of the shared folder, and nothing else), `git` (what is
ignored, and what a file was before the agent), `touched` (which files, and when), `secrets` (redaction that keeps up
with `.env`), `follow` (reading into the spool), `delivery` (from the spool to the server).
"""
