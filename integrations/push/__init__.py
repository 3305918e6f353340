"""Web push: how a message is encrypted for one browser, and how it reaches the browser's push service.

Reading order: `encryption` (RFC 8291), `authorization` (VAPID, RFC 8292), `addresses` (which machines may be talked
to), `service` (puts them together).
"""
