"""Invites in Slack: who is invited how, what the direct message says, and what its buttons do.

words        what people write after `invite`
cards        the direct message and the answers, as blocks; pure
form         the modal behind the card's button
inviting     from the words or the form to invites
answering    Accept, Decline, Withdraw
courier      posts the direct messages and keeps them true
"""
