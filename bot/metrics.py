"""What this door counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

INBOX_WAITING = Gauge("cosession_slack_inbox_waiting", "Requests from Slack that are stored and not handled yet")
INBOX_PARKED = Gauge("cosession_slack_inbox_parked", "Requests from Slack that were given up; the table says why")
REJECTED = Counter("cosession_slack_rejected_total", "Requests with a wrong signature or time")
LIMITED = Counter("cosession_slack_limited_total", "Calls that Slack put off with 429", ["method"])
POSTS = Counter("cosession_slack_posts_total", "Messages posted to threads")
PAUSED = Counter("cosession_slack_mirrors_paused_total", "Threads that were gone or refused posts")
SOCKET_REQUESTS = Counter("cosession_slack_socket_requests_total", "Requests that came in Socket Mode")
