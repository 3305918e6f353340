// Node `ws`: one send() to each member of the room. It stores nothing and checks nobody.
"use strict";
const { WebSocketServer } = require("ws");

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });
server.on("connection", (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on("message", (data) => {
    for (const other of room) other.send(data, { binary: false });
  });
  socket.on("close", () => room.delete(socket));
  socket.send('{"type":"connected"}');
});
