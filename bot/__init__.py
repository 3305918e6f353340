"""The door for Slack, both ways: people's words come in, sessions go out into threads.

In reading order:

settings, app            how it is reached, and how it is put together
signature, intake        a request is verified, stored, answered
socket_mode              the same over connections that this process opens
worker                   stored requests have their effect, once
commands, messages       what people say to the bot, and what they say to each other
interactions, modals     what they do with the mouse: buttons, shortcuts, forms
home                     the app's home tab
installations            the workspaces, each with an API, a desk and handlers of its own
identity, errors         who is acting, and what they are told when they may not
invites, unfurl          who is invited, by direct message; previews of links
keeper, mirror, pages    the reader of the log
card_post, agent_post    what it edits
agent                    what the agent says, streamed
saying, files            what people say, as posts; their files, both ways
changed_*                what is changed afterwards, both ways
thread                   posting exactly once
progress, blocks         what the agent does, the card; pure
mrkdwn                   Markdown to Slack's text and back; pure
web, failures            the Web API, and what it may answer
desk, metrics, health    what readers share, what is counted, what may be wrong
manifest                 the app's manifest, from the same tables
sandbox                  a Slack workspace in a box, for development and tests
"""
