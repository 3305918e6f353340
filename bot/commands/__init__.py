"""What people ask the bot for in words: by `/cosession`, by mentioning it, or in a direct message to it.

words        the words there are, and how they are read; pure
asking       one wish in words, and the private answer to it
starting     a session is started, with its thread
steering     list, join, end, mute, link
deeds        word → what it does: **the table where a new word hooks in**
slash        `/cosession`, from the inbox
mentions     the same by a mention in a channel or a thread, or in a direct message
"""

from bot.commands.slash import Commands
from bot.commands.words import COMMAND, USAGE_HINT, WORDS, acknowledge, parse

__all__ = ["COMMAND", "USAGE_HINT", "WORDS", "Commands", "acknowledge", "parse"]
