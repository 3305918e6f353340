"""A Slack workspace in a box: for newcomers without a workspace, and for every test of the bot.

It is strict where Slack is strict and silent where Slack is silent; it exists in development only. In reading order:

models, directory      people, channels, messages; how they are found, shown and kept
files                  what people and the app put up, and where it can be fetched
workspace              every change of them, and who is told
errors, contract       how it says no, and what a call must look like (facts in contract.json)
blocks, text, limits   Block Kit checks, what a person types, how often one may call
interactions           trigger ids, response URLs, views
openid                 signing in with Slack
methods, web_api       the Web API, one function per method
payloads, delivery     signed requests to the app, with deadline and retries
responses, actions     what the app answers, what people do
faults                 what may go wrong, on demand
engine                 all of it as one object
http, ui               the same over HTTP, and the page's own door
"""

from __future__ import annotations

from bot.sandbox.actions import Outcome
from bot.sandbox.engine import SandboxEngine
from bot.sandbox.errors import RateLimited, SlackError
from bot.sandbox.http import sandbox_app
from bot.sandbox.models import Channel, Message, Person
from bot.sandbox.openid import CLIENT_ID

__all__ = [
    "CLIENT_ID",
    "Channel",
    "Message",
    "Outcome",
    "Person",
    "RateLimited",
    "SandboxEngine",
    "SlackError",
    "sandbox_app",
]
