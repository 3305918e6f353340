"""Real sessions of coding agents, read into the one vocabulary of `core.events`.

Reading order: `transcript` (any agent's record, line by line), `claude` and `codex` (one adapter each, with
`claude_rows`, `codex_calls` and `codex_rows`), `diffs` and `files` (what became of files), `finishing` (what every
text goes through before it leaves), `redact` (secrets), `share` (sending it to a server), `live` (an agent that is
running now).
"""
