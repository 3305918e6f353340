import { beforeEach, describe, expect, test } from "vitest";
import { alice, answer, bob, connected, said } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { SessionClient } from "./client";
import { viewport } from "./protocol";

let world: FakeWorld;
let history: FakeHistory;
let shelf: FakeShelf;
let client: SessionClient;
let ids: number;

function newClient(userId = alice.user_id): SessionClient {
  return new SessionClient({
    sessionId: "ses_1",
    userId,
    origin: "ws://test",
    world,
    history,
    shelf,
    newId: () => `m${++ids}`,
  });
}

const session = () => client.store.getState().session;
const numbers = () => session().entries.map((one) => one.seq);
const upTo = (last: number) => Array.from({ length: last }, (_, at) => answer(at + 1, `Step ${at + 1}`));
const oneTo = (last: number) => upTo(last).map((one) => one.seq);

beforeEach(() => {
  world = new FakeWorld();
  history = new FakeHistory();
  shelf = new FakeShelf();
  ids = 0;
  client = newClient();
});

async function online(head: number): Promise<void> {
  client.start();
  await world.pass(0);
  world.socket.says(connected(head));
  await world.pass(0);
}

describe("history", () => {
  test("the newest page comes first, older ones when asked for, until the beginning", async () => {
    history.entries = upTo(1_500);
    await online(1_500);
    expect(session().from).toBe(1_201);
    await client.loadOlder();
    await client.loadOlder();
    await client.loadOlder();
    expect(numbers()).toEqual(oneTo(1_500));
    expect(history.reads).toEqual(["before 1501", "before 1201", "before 201"]);
  });

  test("a page that fails says why, and can be asked for again", async () => {
    history.entries = upTo(5);
    history.isDown = true;
    await online(5);
    expect(client.store.getState()).toMatchObject({ loading: "failed", loadError: "The database is busy." });
    history.isDown = false;
    await client.loadOlder();
    expect(numbers()).toEqual(oneTo(5));
  });
});

describe("chat", () => {
  test("what was said long ago is there without the thousands of entries between", async () => {
    history.entries = upTo(5_000);
    history.entries[9] = said(10, "the plan");
    await online(5_000);
    expect(session().olderMessages.map((message) => message.content)).toEqual(["the plan"]);
    expect(session()).toMatchObject({ from: 4_701, hasOlderMessages: false });
  });
});

describe("holes", () => {
  test("a frame that is missing is fetched", async () => {
    history.entries = upTo(6);
    await online(2);
    world.socket.says(answer(3, "Step 3"), answer(6, "Step 6"));
    await world.pass(1_000);
    expect(numbers()).toEqual(oneTo(6));
  });

  test("a ping that knows more than we hold brings the rest", async () => {
    history.entries = upTo(4);
    await online(2);
    world.socket.says({ type: "ping", now: "", seq: 4 });
    await world.pass(2_000);
    expect(numbers()).toEqual(oneTo(4));
    expect(world.socket.ofType("pong")).toHaveLength(1);
  });

  test("after a break the line resumes from what is held, and nothing is missing or double", async () => {
    history.entries = upTo(3);
    await online(3);
    world.socket.says(answer(4, "Step 4"));
    world.socket.ends(1006);
    await world.pass(500);
    expect(new URL(world.socket.url).searchParams.get("since")).toBe("4");
    world.socket.says(connected(6, { is_resumed: true }), answer(4, "Step 4"), answer(5, "5"), answer(6, "6"));
    await world.pass(100);
    expect(numbers()).toEqual(oneTo(6));
    expect(history.reads).toEqual(["before 4"]);
  });

  test("another history replaces the one that is held", async () => {
    history.entries = upTo(9);
    await online(9);
    world.socket.ends(1006);
    await world.pass(500);
    history.entries = upTo(2);
    world.socket.says(connected(2, { epoch: "epoch-2" }));
    await world.pass(100);
    expect(numbers()).toEqual([1, 2]);
  });
});

describe("a history that changes under a page on its way", () => {
  test("is read anew, and nothing of the old one is kept", async () => {
    history.entries = upTo(9);
    let release: () => void = () => undefined;
    const slow = history.eventsBefore;
    history.eventsBefore = async (id, seq, limit) => {
      const page = await slow(id, seq, limit);
      await new Promise<void>((resolve) => (release = resolve));
      return page;
    };
    await online(9);
    history.eventsBefore = slow;
    world.socket.ends(1006);
    await world.pass(500);
    history.entries = upTo(2);
    world.socket.says(connected(2, { epoch: "epoch-2" }));
    release();
    await world.pass(100);
    expect(numbers()).toEqual([1, 2]);
    expect(session().isLoaded).toBe(true);
  });
});

describe("saying", () => {
  test("a message written without a line is sent when there is one, once, and forgotten when it is stored", async () => {
    client.start();
    client.say({ content: "hello" });
    await world.pass(0);
    world.socket.says(connected(2));
    expect(world.socket.ofType("chat_message")).toMatchObject([{ client_msg_id: "m1", content: "hello" }]);
    world.socket.says({ type: "ack", client_msg_id: "m1", seq: 3 }, said(3, "hello", alice));
    await world.pass(50);
    expect(session().outbox).toEqual([]);
    expect(shelf.size).toBe(0);
  });

  test("a message without an answer is sent again on the next line, under the same id", async () => {
    await online(0);
    client.say({ content: "hello" });
    world.socket.ends(1006);
    await world.pass(500);
    world.socket.says(connected(0, { is_resumed: true }));
    expect(world.sockets.map((socket) => socket.ofType("chat_message").map((frame) => frame.client_msg_id))).toEqual([
      ["m1"],
      ["m1"],
    ]);
  });

  test("unsent messages outlive a reload, in order, and only for who wrote them", async () => {
    client.say({ content: "first" });
    await world.pass(10);
    client.say({ content: "second" });
    const stranger = newClient(bob.user_id);
    stranger.start();
    expect(stranger.store.getState().session.outbox).toEqual([]);
    stranger.stop();

    client = newClient();
    await online(0);
    expect(world.socket.ofType("chat_message").map((frame) => frame.content)).toEqual(["first", "second"]);
  });

  test("500 messages written without a line are all sent, in order", async () => {
    for (let at = 0; at < 500; at += 1) client.say({ content: `n${at}` });
    await online(0);
    const sent = world.socket.ofType("chat_message").map((frame) => frame.content);
    expect(sent).toEqual(Array.from({ length: 500 }, (_, at) => `n${at}`));
  });

  test("a limit delays a message and sends it when the server said", async () => {
    await online(0);
    client.say({ content: "hello" });
    world.socket.says({
      type: "error",
      error_code: "too_many",
      message: "Slow down",
      retryable: true,
      retry_after_ms: 4_000,
      re: "m1",
    });
    await world.pass(3_900);
    expect(world.socket.ofType("chat_message")).toHaveLength(1);
    await world.pass(200);
    expect(world.socket.ofType("chat_message")).toHaveLength(2);
  });

  test("typing is told every 2 s at most, and its end at once", async () => {
    await online(0);
    for (let key = 0; key < 30; key += 1) {
      client.typing(true);
      await world.pass(100);
    }
    client.typing(false);
    client.typing(false);
    expect(world.socket.ofType("typing").map((frame) => frame.is_typing)).toEqual([true, true, false]);
  });
});

describe("people", () => {
  test("somebody's typing is forgotten after 6 s of silence", async () => {
    await online(0);
    world.socket.says({ type: "typing", user_id: bob.user_id, username: bob.username, is_typing: true });
    await world.pass(5_900);
    expect(session().typing.size).toBe(1);
    await world.pass(200);
    expect(session().typing.size).toBe(0);
  });

  test("what I look at is told at most ten times a second, the latest last; my status at once", async () => {
    await online(0);
    for (let seq = 1; seq <= 50; seq += 1) {
      client.look({ viewport: viewport("transcript", { seq }) });
      await world.pass(20);
    }
    client.look({ status: "away" });
    await world.pass(1_000);
    const sent = world.socket.ofType("presence_update");
    expect(sent.length).toBeLessThanOrEqual(13);
    expect(sent.at(-1)).toMatchObject({ status: "away", viewport: { seq: 50 } });
  });
});

describe("cursor and commands", () => {
  test("my cursor is told at most ten times a second, the latest last, and again on a new line", async () => {
    await online(0);
    for (let line = 1; line <= 50; line += 1) {
      client.point({ file: "src/app.py", line, column: 1, selection: null });
      await world.pass(20);
    }
    await world.pass(1_000);
    const sent = world.socket.ofType("cursor_update");
    expect(sent.length).toBeLessThanOrEqual(12);
    expect(sent.at(-1)).toMatchObject({ file: "src/app.py", line: 50 });
    world.socket.ends();
    await world.pass(1_000);
    world.socket.says(connected(0));
    await world.pass(0);
    expect(world.socket.ofType("cursor_update")).toMatchObject([{ line: 50 }]);
  });

  test("a command given while the line is down is sent when it is back, and its refusal is no notice", async () => {
    const stored = client.command({ type: "resolve_comment", comment_id: "cmt_1" });
    await online(0);
    const [frame] = world.socket.ofType("resolve_comment");
    const re = String(frame?.client_msg_id);
    world.socket.says({ type: "error", error_code: "not_allowed", message: "No.", retryable: false, retry_after_ms: null, re });
    await expect(stored).rejects.toMatchObject({ code: "not_allowed", message: "No." });
    expect(session().notice).toBeNull();
  });
});

describe("staying true and staying signed in", () => {
  test("entries that differ from the log are read anew", async () => {
    history.entries = upTo(5);
    await online(5);
    await world.pass(0);
    history.entries = [...upTo(4), answer(5, "What the log really says")];
    world.socket.says({ type: "digest", from_seq: 1, to_seq: 5, crc32: 1 });
    await world.pass(20);
    expect(world.socket.ofType("join_session")).toEqual([{ type: "join_session", reason: "diverged" }]);
    world.socket.says(connected(5));
    await world.pass(20);
    expect(session().entries.at(-1)).toMatchObject({ seq: 5, text: "What the log really says" });
  });

  test("a page that can never agree gives up asking", async () => {
    history.entries = upTo(5);
    await online(5);
    for (let minute = 0; minute < 10; minute += 1) {
      world.socket.says({ type: "digest", from_seq: 1, to_seq: 5, crc32: 1 });
      await world.pass(20);
      world.socket.says(connected(5));
      await world.pass(5_000);
    }
    expect(world.socket.ofType("join_session")).toHaveLength(3);
  });

  test("a sign-in that is about to end is renewed on the line that is up", async () => {
    await online(0);
    world.socket.says({ type: "token_expiring", expires_at: "2026-01-05T09:05:00Z" });
    await world.pass(20);
    expect(world.socket.ofType("refresh_token")).toHaveLength(1);
    expect(world.sockets).toHaveLength(1);
  });
});
