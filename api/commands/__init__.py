"""What a client may ask of an open session: each frame, after its shape was checked, becomes one effect.

`table.COMMANDS` is the whole list: frame → the permission it needs and the function that grants it. A socket and
`POST …/commands` go through the same `run`.
"""

from __future__ import annotations

from api.commands.caller import Caller, Command, Numbered
from api.commands.chat import posting
from api.commands.table import COMMANDS, permitted, run

__all__ = ["COMMANDS", "Caller", "Command", "Numbered", "permitted", "posting", "run"]
