import { expect, test } from "vitest";
import { newMessage } from "~/session/messages";
import type { Message, Outgoing } from "~/session/state";
import { alice, bob, said } from "~/testing/entries";
import { chatItems, threadItems } from "./items";

const message = (seq: number, who: typeof bob, timestamp: string, source: Message["source"] = "web"): Message => {
  const entry = said(seq, `message ${seq}`, who, { timestamp, source });
  if (entry.type !== "chat_message") throw new Error("not a message");
  return newMessage(entry.message, seq);
};

const waiting: Outgoing = {
  client_msg_id: "m1",
  content: "on its way",
  files: [],
  mentions: [],
  parent_id: null,
  session_only: false,
  written_at: "2026-01-05T12:02:30",
  state: "pending",
  seq: null,
  echo_seq: null,
  error: null,
};

test("messages of one person within five minutes are one group; another person, door or day starts a new one", () => {
  const items = chatItems(
    [
      message(1, bob, "2026-01-05T12:00:00"),
      message(2, bob, "2026-01-05T12:04:00"),
      message(3, bob, "2026-01-05T12:05:00", "slack"),
      message(4, alice, "2026-01-05T12:05:10"),
      message(5, alice, "2026-01-05T12:30:00"),
      message(6, alice, "2026-01-06T08:00:00"),
    ],
    [],
    alice,
  );
  expect(items.map((item) => item.isFirst)).toEqual([true, false, true, true, true, true]);
  expect(items.map((item) => item.day !== null)).toEqual([true, false, false, false, false, true]);
  expect(items.map((item) => item.isMine)).toEqual([false, false, false, true, true, true]);
});

test("unsent messages stand at the end; one that the log shows already does not stand twice", () => {
  const stored = [message(1, bob, "2026-01-05T12:00:00")];
  expect(chatItems(stored, [waiting], alice).map((item) => item.key)).toEqual(["msg_1", "m1"]);
  expect(chatItems(stored, [{ ...waiting, echo_seq: 2 }], alice)).toHaveLength(1);
});

const replyTo = (parent: string, seq: number, who: typeof bob, fields: Partial<Message> = {}): Message => ({
  ...message(seq, who, `2026-01-05T12:${String(seq).padStart(2, "0")}:00`),
  parent_id: parent,
  ...fields,
});

test("replies are folded under what they answer; deleted ones do not count, nor do mine as new", () => {
  const root = message(1, bob, "2026-01-05T12:01:00");
  const messages = [
    root,
    replyTo("msg_1", 2, alice),
    message(3, bob, "2026-01-05T12:03:00"),
    replyTo("msg_1", 4, bob),
    replyTo("msg_1", 5, bob, { is_deleted: true }),
    replyTo("msg_1", 6, alice),
  ];
  const since = (repliesAfter: number, seen = 0) =>
    chatItems(messages, [{ ...waiting, parent_id: "msg_1" }], alice, {
      newsAfter: null,
      repliesAfter,
      seenReplies: new Map([["msg_1", seen]]),
    });
  expect(since(0).map((item) => item.key)).toEqual(["msg_1", "msg_3"]);
  expect(since(0)[0]?.thread).toEqual({
    count: 3,
    lastAt: "2026-01-05T12:06:00",
    userIds: [bob.user_id, alice.user_id],
    newCount: 1,
  });
  expect(since(4)[0]?.thread?.newCount).toBe(0);
  expect(since(0, 4)[0]?.thread?.newCount).toBe(0);
  expect(threadItems([root, ...messages.slice(1, 2)], [{ ...waiting, parent_id: "msg_1" }, waiting], alice)).toHaveLength(3);
});

test("replies to what lies further back stand together where the first of them does", () => {
  const messages = [replyTo("msg_0", 2, bob), message(3, bob, "2026-01-05T12:03:00"), replyTo("msg_0", 4, alice)];
  const items = chatItems(messages, [], alice);
  expect(items.map((item) => [item.key, item.message === null, item.thread?.count ?? 0])).toEqual([
    ["msg_0", true, 2],
    ["msg_3", false, 0],
  ]);
});

test("the line stands before the first message of others after what was read, once", () => {
  const messages = [
    message(1, bob, "2026-01-05T12:00:00"),
    message(2, alice, "2026-01-05T12:01:00"),
    { ...message(3, bob, "2026-01-05T12:02:00"), is_deleted: true },
    message(4, bob, "2026-01-05T12:03:00"),
    message(5, bob, "2026-01-05T12:04:00"),
  ];
  const news = (newsAfter: number | null) =>
    chatItems(messages, [], alice, { newsAfter, repliesAfter: 0, seenReplies: new Map() }).flatMap((item) =>
      item.isNews ? [item.key] : [],
    );
  expect(news(0)).toEqual(["msg_1"]);
  expect(news(1)).toEqual(["msg_4"]);
  expect(news(5)).toEqual([]);
  expect(news(null)).toEqual([]);
});
