import { expect, test } from "vitest";
import { settled } from "~/testing/world";
import { EventParser, StreamSocket } from "./stream-socket";

const address = { stream: "/stream", commands: "/commands" };

function events(...texts: string[]): [string, string][] {
  const seen: [string, string][] = [];
  const parser = new EventParser((kind, data) => seen.push([kind, data]));
  for (const text of texts) parser.feed(text);
  return seen;
}

test("an event stream reads the same wherever it is cut", () => {
  const text = 'id: e:1\ndata: {"seq":1}\n\n: a comment\r\nevent: close\r\ndata: {"code":4550}\r\n\r\ndata: a\ndata: b\n\n';
  const whole = events(text);
  expect(whole).toEqual([
    ["message", '{"seq":1}'],
    ["close", '{"code":4550}'],
    ["message", "a\nb"],
  ]);
  for (let at = 0; at <= text.length; at += 1) expect(events(text.slice(0, at), text.slice(at))).toEqual(whole);
});

/** A server in memory: one stream that the test writes, and the bodies that were posted. */
function server(status = 200) {
  const bodies: { connection_id: string | null; frames: { type: string }[] }[] = [];
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  const fetch = async (url: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    if (String(url) === address.stream) {
      const pipe = new TransformStream<Uint8Array, Uint8Array>();
      writer = pipe.writable.getWriter();
      return new Response(status === 200 ? pipe.readable : null, { status });
    }
    const body = JSON.parse(String(init?.body)) as (typeof bodies)[number];
    bodies.push(body);
    return Response.json({ items: body.frames.map((frame) => (frame.type === "ping" ? { type: "pong", seq: 1 } : null)) });
  };
  const write = (text: string) => writer?.write(new TextEncoder().encode(text));
  return { fetch: fetch as typeof globalThis.fetch, bodies, write };
}

async function open(status = 200) {
  const there = server(status);
  const socket = new StreamSocket(address, there.fetch);
  const heard: unknown[] = [];
  const ends: { code: number; reason: string }[] = [];
  socket.onmessage = ({ data }) => heard.push(JSON.parse(String(data)));
  socket.onclose = (event) => ends.push(event);
  await settled();
  return { ...there, socket, heard, ends };
}

test("frames come as events and go as requests under the connection's id, answers among what is heard", async () => {
  const { socket, heard, bodies, write } = await open();
  await write('data: {"type":"connected","connection_id":"con_7"}\n\n');
  await expect.poll(() => heard.length).toBe(1);
  socket.send('{"type":"ping"}');
  socket.send('{"type":"pong"}');
  await expect.poll(() => bodies.length).toBe(1);
  expect(bodies[0]).toEqual({ connection_id: "con_7", frames: [{ type: "ping" }, { type: "pong" }] });
  await expect.poll(() => heard.length).toBe(2);
  expect(heard[1]).toEqual({ type: "pong", seq: 1 });
});

test("the server's close code is the socket's", async () => {
  const { ends, write } = await open();
  await write('event: close\ndata: {"code":4403,"reason":"you were removed"}\n\n');
  await expect.poll(() => ends).toEqual([{ code: 4403, reason: "you were removed" }]);
});

test.each([
  [401, 4401],
  [403, 4403],
  [404, 4404],
  [503, 1006],
])("a refusal with %i counts as %i", async (status, code) => {
  const { ends } = await open(status);
  await expect.poll(() => ends[0]?.code).toBe(code);
});

test("what was closed here says nothing more", async () => {
  const { socket, ends, heard, write } = await open();
  socket.close();
  await write('data: {"type":"ping"}\n\n')?.catch(() => undefined);
  await settled();
  expect(ends).toEqual([]);
  expect(heard).toEqual([]);
});
