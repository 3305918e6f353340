"""Django Channels with its layer in memory: `group_send` to a room. It stores nothing and checks nobody.

`python channels_groups.py PORT uvicorn|daphne`. Channels drops what a consumer has not taken; the layer's capacity is
raised so that it does not.
"""

from __future__ import annotations

import sys
from typing import Any

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1_000_000}}},
)
django.setup()


class Room(AsyncWebsocketConsumer):
    """One connection, in the group of its room."""

    async def connect(self) -> None:
        self.room: str = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send('{"type":"connected"}')

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002 - their signature
        await self.channel_layer.group_send(self.room, {"type": "said", "text": text_data})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(event["text"])

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - the same
        await self.channel_layer.group_discard(self.room, self.channel_name)


app = ProtocolTypeRouter({"websocket": URLRouter([path("ws/session/<str:room>", Room.as_asgi())])})

if __name__ == "__main__":
    port = int(sys.argv[1])
    if sys.argv[2] == "daphne":
        Server(
            app, endpoints=build_endpoint_description_strings(host="127.0.0.1", port=port), signal_handlers=True
        ).run()
    else:
        uvicorn.run(
            app, host="127.0.0.1", port=port, log_level="error", ws_per_message_deflate=False, ws_ping_interval=None
        )
