import { beforeEach, describe, expect, test } from "vitest";
import { ApiError } from "~/api/http";
import { connected } from "~/testing/entries";
import { FakeWorld } from "~/testing/world";
import { Connection, type Line } from "./connection";
import type { Incoming, Position } from "./protocol";

let world: FakeWorld;
let lines: Line[];
let frames: Incoming[];
let position: Position | null;
let tickets: number;
let refusal: Error | null;
let connection: Connection;

const ping = { type: "ping", now: "2026-01-05T09:00:00Z", seq: 0 } as const;
const line = () => lines.at(-1);

beforeEach(() => {
  world = new FakeWorld();
  lines = [];
  frames = [];
  position = null;
  tickets = 0;
  refusal = null;
  connection = new Connection({
    world,
    fetchTicket: async () => {
      if (refusal) throw refusal;
      tickets += 1;
      return `ticket-${tickets}`;
    },
    url: (ticket, since) => `ws://test/?token=${ticket}&since=${since?.seq ?? "none"}`,
    stream: (since) => ({ stream: `/stream?since=${since?.seq ?? "none"}`, commands: "/commands" }),
    position: () => position,
    onFrame: (frame) => frames.push(frame),
    onLine: (next) => lines.push(next),
  });
});

async function online(): Promise<void> {
  connection.start();
  await world.pass(0);
  world.socket.says(connected(0));
}

describe("coming back", () => {
  test("every socket has a ticket of its own and resumes from what is held", async () => {
    await online();
    position = { epoch: "e", seq: 41 };
    world.socket.ends(1006);
    await world.pass(500);
    expect(world.sockets.map((socket) => socket.url)).toEqual([
      "ws://test/?token=ticket-1&since=none",
      "ws://test/?token=ticket-2&since=41",
    ]);
  });

  test("waits a random part of an interval that doubles from 0.5 s to 20 s", async () => {
    world.chance = 1;
    await online();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      world.socket.ends(4550);
      const waiting = line();
      if (waiting?.phase !== "waiting") throw new Error("not waiting");
      const wait = waiting.retryAt - world.now();
      waits.push(wait);
      await world.pass(wait);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  });

  test("a line that held starts its backoff anew; one that broke at once does not", async () => {
    world.chance = 1;
    await online();
    for (const wait of [500, 1_000, 2_000]) {
      world.socket.ends(4550);
      await world.pass(wait);
    }
    world.socket.says(connected(0));
    world.socket.ends(4550);
    expect(line()).toMatchObject({ retryAt: world.now() + 4_000 });
    await world.pass(4_000);
    world.socket.says(connected(0));
    await world.pass(6_000);
    world.socket.ends(4550);
    expect(line()).toMatchObject({ retryAt: world.now() + 500 });
  });

  test("tells since when the line is lost, through all attempts", async () => {
    await online();
    const lostAt = world.now();
    world.socket.ends(1006);
    await world.pass(300);
    world.socket.ends(1006);
    expect(line()).toMatchObject({ phase: "waiting", lostAt });
  });

  test("tries at once when the network is back", async () => {
    world.chance = 1;
    await online();
    world.socket.ends(1006);
    world.wake();
    await world.pass(0);
    expect(world.sockets).toHaveLength(2);
  });

  test("a refused ticket waits as long as the server asks", async () => {
    refusal = new ApiError(429, "too_many", "Slow down", 7_000);
    connection.start();
    await world.pass(0);
    expect(line()).toMatchObject({ phase: "waiting", retryAt: world.now() + 7_000 });
  });

  test("a server that drains is left within the time it gives, without a pause after it", async () => {
    await online();
    world.socket.says({ type: "draining", within_ms: 4_000 });
    await world.pass(1_999);
    expect(world.sockets).toHaveLength(1);
    await world.pass(1);
    expect(world.sockets).toHaveLength(2);
  });
});

describe("stopping", () => {
  test.each([4000, 4401, 4403, 4499])("close code %i ends it with the reason", async (code) => {
    await online();
    world.socket.ends(code, "You were removed.");
    await world.pass(120_000);
    expect(world.sockets).toHaveLength(1);
    expect(line()).toEqual({ phase: "stopped", code, reason: "You were removed." });
  });

  test.each([1000, 1006, 1012, 4500, 4550, 4999])("close code %i comes back", async (code) => {
    await online();
    world.socket.ends(code);
    await world.pass(500);
    expect(world.sockets).toHaveLength(2);
  });

  test("a ticket refused for good is not asked for again", async () => {
    refusal = new ApiError(404, "session_not_found", "There is no such session.");
    connection.start();
    await world.pass(120_000);
    expect(line()).toMatchObject({ phase: "stopped", code: 4404 });
  });

  test("a person can start over after a stop", async () => {
    await online();
    world.socket.ends(4403, "removed");
    connection.retry();
    await world.pass(0);
    expect(world.sockets).toHaveLength(2);
  });
});

describe("dead lines", () => {
  test("30 s of silence end a line that looks open", async () => {
    await online();
    await world.pass(20_000);
    world.socket.says(ping);
    await world.pass(29_999);
    expect(line()?.phase).toBe("online");
    await world.pass(1);
    expect(world.sockets[0]?.isClosed).toBe(true);
    expect(line()?.phase).not.toBe("online");
  });

  test("waking up asks the line for proof and replaces it after 3 s without", async () => {
    await online();
    world.wake();
    expect(world.socket.ofType("ping")).toHaveLength(1);
    await world.pass(3_000);
    expect(world.sockets).toHaveLength(2);
  });

  test("a line that answers the proof stays", async () => {
    await online();
    world.wake();
    world.socket.says({ ...ping, type: "pong" });
    await world.pass(3_000);
    expect(world.sockets).toHaveLength(1);
  });

  test("a socket that never says connected is given up", async () => {
    connection.start();
    await world.pass(10_000);
    expect(world.sockets[0]?.isClosed).toBe(true);
    expect(world.streams).toHaveLength(1);
    await world.pass(10_000);
    expect(world.streams[0]?.isClosed).toBe(true);
    expect(line()?.phase).toBe("waiting");
  });

  test("what an old socket still says is not heard", async () => {
    await online();
    const old = world.socket;
    const late = old.onmessage;
    old.ends(1006);
    await world.pass(500);
    late?.({ data: JSON.stringify(ping) });
    expect(frames.filter((frame) => frame.type === "ping")).toEqual([]);
  });

  test("nonsense on the line is passed over", async () => {
    await online();
    for (const data of ["{", "[]", "null", '"x"', "{}", new ArrayBuffer(2)]) world.socket.onmessage?.({ data });
    world.socket.says(ping);
    expect(frames.map((frame) => frame.type)).toEqual(["connected", "ping"]);
  });
});

describe("where WebSockets are blocked", () => {
  const stream = () => {
    const last = world.streams.at(-1);
    if (!last) throw new Error("No stream was opened.");
    return last;
  };

  test("two sockets in a row that end before their first frame: plain requests take over, and resume", async () => {
    world.chance = 0;
    position = { epoch: "e", seq: 41 };
    connection.start();
    await world.pass(0);
    world.socket.ends(1006);
    await world.pass(0);
    world.socket.ends(1006);
    await world.pass(0);
    expect(world.sockets).toHaveLength(2);
    expect(stream().url).toBe("/stream?since=41");
    stream().says(connected(41));
    expect(line()?.phase).toBe("online");
    expect(connection.send({ type: "ping" })).toBe(true);
    expect(stream().ofType("ping")).toHaveLength(1);
  });

  test("a socket that never answers is enough", async () => {
    connection.start();
    await world.pass(10_000);
    expect(world.sockets).toHaveLength(1);
    expect(world.streams).toHaveLength(1);
  });

  test("a server that cannot be reached at all is not taken for a blocked socket", async () => {
    refusal = new ApiError(0, "offline", "no network");
    connection.start();
    await world.pass(60_000);
    expect(world.streams).toHaveLength(0);
  });

  test("nor is one that ends sockets with a code of its own", async () => {
    world.chance = 0;
    connection.start();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await world.pass(0);
      world.socket.ends(4550, "restarting");
    }
    await world.pass(0);
    expect(world.streams).toHaveLength(0);
  });

  test("a line that was up and is lost comes back as it was", async () => {
    world.chance = 0;
    await online();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      world.socket.ends(1006);
      await world.pass(0);
      world.socket.says(connected(0));
    }
    expect(world.streams).toHaveLength(0);
    expect(world.sockets).toHaveLength(4);
  });

  test("after ten minutes a lost stream tries a socket again", async () => {
    world.chance = 0;
    connection.start();
    await world.pass(10_000);
    stream().says(connected(0));
    for (let minute = 0; minute < 30; minute += 1) {
      await world.pass(20_000);
      stream().says(ping);
    }
    stream().ends(1006);
    await world.pass(0);
    expect(world.sockets).toHaveLength(2);
  });
});
