"""The forms that are opened in Slack, as views and back. Pure.

start        a new session: title, channel, agent, who may see it, who is invited
notices      a form's place taken by words
"""
