"""What the product is: sessions, their log, and the rules. Knows nothing of the web, Slack or the clock on the wall.

Reading order: `events` (what can happen), `errors` (what can go wrong), `tables`, `hot` (statements that every message
runs), `transaction` and `db` (the one place that commits), `log`, `heads`, `access` (the only way to a session),
`accounts`, `identities`, `sessions`, `chat`, `paths`, `files`, `anchors` and `comments` (on the lines of files),
`invites`, `turns`, `counting` and `health` (how the agent is doing), `words`, `indexing` and `search` (what was said,
found again), `presence`, `leases`, `mirrors`, `installations` and `sealing` (what workspaces outside have granted),
`inbox`, `outbox`, `mailer` and `unsubscribing` (mail), `feed` and `notifications` (what people are told of),
`signing_in`, `profiles`, `digests`, `erasing`, `idling`, `prune`, `limits`, `storable`, `signals` (to the other
processes); `engines`, `postgres` and `migrations` beside them.
"""
