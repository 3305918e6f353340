import { beforeEach, describe, expect, test } from "vitest";
import { alice, bob, connected, entry, said } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { SessionClient } from "./client";

let world: FakeWorld;
let history: FakeHistory;
let client: SessionClient;

beforeEach(() => {
  let ids = 0;
  world = new FakeWorld();
  history = new FakeHistory();
  client = new SessionClient({
    sessionId: "ses_1",
    userId: alice.user_id,
    origin: "ws://test",
    world,
    history,
    shelf: new FakeShelf(),
    newId: () => `m${++ids}`,
  });
});

const session = () => client.store.getState().session;
const reads = () => world.socket.ofType("read_up_to").map((frame) => frame.seq);
const marker = (seq: number, unread = 0) =>
  ({ type: "read_marker", read_up_to: seq, seq, unread_count: unread, mention_count: 0 }) as const;

async function online(head: number, unread = 0): Promise<void> {
  client.start();
  await world.pass(0);
  world.socket.says(connected(head, { session: { ...connected(head).session, unread_count: unread } }));
  await world.pass(0);
}

/** Messages with so many others between them that no first page holds them all. */
function chat(count: number): void {
  history.entries = Array.from({ length: count }, (_, at) => said(at + 1, `message ${at + 1}`));
}

describe("reading", () => {
  test("is told at once and then once a second, with the furthest that was in sight", async () => {
    await online(3, 3);
    client.readUpTo(1);
    client.readUpTo(2);
    client.readUpTo(3);
    expect(reads()).toEqual([1]);
    world.socket.says(marker(1, 2));
    await world.pass(1_000);
    expect(reads()).toEqual([1, 3]);
    world.socket.says(marker(3));
    await world.pass(5_000);
    client.readUpTo(2);
    await world.pass(5_000);
    expect(reads()).toEqual([1, 3]);
    expect(session().reading).toMatchObject({ read_up_to: 3, unread: 0 });
  });

  test("that was lost with the line is told when it is back", async () => {
    await online(3, 3);
    world.socket.ends();
    client.readUpTo(3);
    await world.pass(1_000);
    world.socket.says(connected(3, { is_resumed: true }));
    await world.pass(1_000);
    expect(reads()).toEqual([3]);
  });

  test("is counted anew by the server when something unread was taken back, and asked for once", async () => {
    await online(3, 3);
    world.socket.says(entry(4, "message_deleted", { message_id: "msg_2", source: "web" }, bob.user_id));
    await world.pass(100);
    expect(reads()).toEqual([0]);
    world.socket.says({ ...marker(0, 2), seq: 4 });
    await world.pass(5_000);
    expect(reads()).toEqual([0]);
    expect(session().reading).toMatchObject({ unread: 2, isStale: false });
  });
});

describe("what I change", () => {
  test("is sent again under the same id over a lost line, until the server answers", async () => {
    await online(0);
    world.socket.says(said(1, "hello", alice));
    client.change("msg_1", { kind: "edit", content: "hello!", mentions: [] });
    world.socket.ends();
    await world.pass(1_000);
    world.socket.says(connected(1, { is_resumed: true }));
    await world.pass(0);
    expect(world.socket.ofType("edit_message")).toMatchObject([{ client_msg_id: "m1", content: "hello!" }]);
    expect(session().changes).toHaveLength(1);
    world.socket.says({ type: "ack", client_msg_id: "m1", seq: 2 });
    await world.pass(50);
    expect(session().changes[0]?.seq).toBe(2);
    const body = { message_id: "msg_1", content: "hello!", mentions: [], mentions_here: false, source: "web" as const };
    world.socket.says(entry(2, "message_edited", body, alice.user_id));
    await world.pass(50);
    expect(session()).toMatchObject({ changes: [], messages: [{ content: "hello!" }] });
  });

  test("is taken back where the server refuses it, with its words", async () => {
    await online(0);
    world.socket.says(said(1, "hello"));
    client.change("msg_1", { kind: "delete" });
    const refusal = { error_code: "not_allowed", message: "Not yours.", retryable: false, retry_after_ms: null };
    world.socket.says({ type: "error", ...refusal, re: "m1" });
    await world.pass(50);
    expect(session()).toMatchObject({ changes: [], notice: { message: "Not yours." } });
  });
});

describe("the way to an old message", () => {
  test("is read in leaps, without the transcript between, and stands still where it is held", async () => {
    chat(2_000);
    await online(2_000);
    const before = history.reads.length;
    expect(await client.messagesBackTo(400)).toBe(true);
    expect(session().olderMessages[0]?.seq).toBeLessThanOrEqual(400);
    expect(history.reads).toHaveLength(before);
    expect(session().from).toBe(1_701);
    const held = session().olderMessages;
    expect(await client.messagesBackTo(500)).toBe(true);
    expect(session().olderMessages).toBe(held);
  });

  test("waits for a page that is on its way already", async () => {
    chat(2_000);
    await online(2_000);
    const [, isThere] = await Promise.all([client.loadOlderMessages(), client.messagesBackTo(3)]);
    expect(isThere).toBe(true);
    expect(session().olderMessages[0]?.seq).toBe(1);
  });

  test("ends where the server does not answer", async () => {
    chat(2_000);
    await online(2_000);
    history.isDown = true;
    expect(await client.messagesBackTo(4)).toBe(false);
    expect(client.store.getState().chatLoading).toBe("failed");
  });

  test("leads to a thread by itself where the thread is all that is asked for", async () => {
    chat(2_000);
    history.entries[1_999] = said(2_000, "an answer", alice, { parent_id: "msg_7" });
    await online(2_000);
    await client.loadThread("msg_7");
    expect(session().threads.get("msg_7")?.map((message) => message.id)).toEqual(["msg_7", "msg_2000"]);
  });
});
