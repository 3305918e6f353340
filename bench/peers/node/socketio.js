// Node Socket.IO: emit to a room, over WebSocket alone. It stores nothing and checks nobody.
"use strict";
const { Server } = require("socket.io");

const io = new Server({ transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  const room = socket.handshake.query.room;
  socket.join(room);
  socket.on("chat_message", (message) => io.to(room).emit("chat_message", message));
  socket.emit("connected");
});
io.attach(require("http").createServer().listen(Number(process.argv[2]), "127.0.0.1"));
