import { expect, test } from "vitest";
import { newMessage } from "~/session/messages";
import type { Message, Outgoing } from "~/session/state";
import { alice, bob, said } from "~/testing/entries";
import { chatItems } from "./items";

const message = (seq: number, who: typeof bob, timestamp: string, source: Message["source"] = "web"): Message => {
  const entry = said(seq, `message ${seq}`, who, { timestamp, source });
  if (entry.type !== "chat_message") throw new Error("not a message");
  return newMessage(entry.message, seq);
};

const waiting: Outgoing = {
  client_msg_id: "m1",
  content: "on its way",
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
