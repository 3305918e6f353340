"""The Slack workspaces that this server is installed in, and what belongs to each alone.

In reading order:

origin       which installation a request came through
tokens       the bot token of one realm, renewed by one process at a time
workspaces   realm → the API, the desk and the handlers for that realm
oauth        an administrator installs the app into a workspace
lifecycle    a workspace takes its grant back
"""
