"""Files of messages, carried both ways between a session and its thread.

Reading order: `facts` (what Slack says of a file, and why one may not be carried), `calls` (the Web API's part),
`transfer` (the bytes, to and from Slack's own hosts only), `fetching` (from the thread), `sending` (into it), `words`
(what is said of those that were left out).
"""

from __future__ import annotations
