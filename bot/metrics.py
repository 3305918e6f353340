"""What this door counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

INBOX_WAITING = Gauge("cosession_slack_inbox_waiting", "Requests from Slack that are stored and not handled yet")
INBOX_PARKED = Gauge("cosession_slack_inbox_parked", "Requests from Slack that were given up; the table says why")
INBOX_LAG = Gauge("cosession_slack_inbox_lag_seconds", "How long the oldest request that waits has waited")
OUTBOX_LAG = Gauge("cosession_slack_outbox_lag_seconds", "How far a workspace's threads are behind", ["workspace"])
LAST_EVENT = Gauge("cosession_slack_last_event_seconds", "When this process last took a request of Slack's in")
TOKEN_ENDS = Gauge("cosession_slack_token_ends_seconds", "When a workspace's token ends", ["workspace"])
SOCKETS = Gauge("cosession_slack_sockets", "Connections to Slack in Socket Mode that were greeted")
REJECTED = Counter("cosession_slack_rejected_total", "Requests with a wrong signature or time")
LIMITED = Counter("cosession_slack_limited_total", "Calls that Slack put off with 429", ["method"])
POSTS = Counter("cosession_slack_posts_total", "Messages posted to threads")
FILES = Counter("cosession_slack_files_total", "Files of messages, by way and by what became of them", ["way", "end"])
PAUSED = Counter("cosession_slack_mirrors_paused_total", "Threads that were gone or refused posts")
SOCKET_REQUESTS = Counter("cosession_slack_socket_requests_total", "Requests that came in Socket Mode")
