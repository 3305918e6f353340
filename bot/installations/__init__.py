"""The Slack workspaces that this server is installed in, and what belongs to each alone.

In reading order:

origin       which installation a request came through
workspaces   realm → the API, the desk and the handlers for that realm
"""
