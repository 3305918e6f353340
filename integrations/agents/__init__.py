"""Real sessions of coding agents, read into the one vocabulary of `core.events`.

Reading order: `transcript` (any agent's record, line by line), `claude` and `codex` (one adapter each), `finishing`
(what every text goes through before it leaves), `redact` (secrets), `diffs`, `share` (sending it to a server).
"""
