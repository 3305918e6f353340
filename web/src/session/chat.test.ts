import { describe, expect, test } from "vitest";
import { alice, bob, connected, entry, said } from "~/testing/entries";
import { agrees, crc32 } from "./digest";
import { withWanted } from "./messages";
import type { LogEntry, ReadMarker } from "./protocol";
import { reduce, reduceAll } from "./reducer";
import { type Change, emptyState, type Message, type SessionState } from "./state";

const edited = (seq: number, id: string, content: string, who = bob, mentions: string[] = []) =>
  entry(seq, "message_edited", { message_id: id, content, mentions, mentions_here: false, source: "web" }, who.user_id);
const deleted = (seq: number, id: string, who = bob) => entry(seq, "message_deleted", { message_id: id, source: "web" }, who.user_id);
const reacted = (seq: number, id: string, emoji: string, who = bob) =>
  entry(seq, "reaction_added", { message_id: id, user_id: who.user_id, emoji, source: "web" }, who.user_id);
const unreacted = (seq: number, id: string, emoji: string, who = bob) =>
  entry(seq, "reaction_removed", { message_id: id, user_id: who.user_id, emoji, source: "web" }, who.user_id);

/** The log as the server holds it: what was deleted is blank from the beginning. */
const log: LogEntry[] = [
  said(1, "first"),
  said(2, "", bob, { id: "msg_2" }),
  said(3, "an answer", alice, { parent_id: "msg_1" }),
  edited(4, "msg_1", "first, corrected"),
  reacted(5, "msg_1", "👍", alice),
  reacted(6, "msg_1", "🎉", bob),
  edited(7, "msg_2", ""),
  reacted(8, "msg_1", "👍", bob),
  unreacted(9, "msg_1", "🎉", bob),
  deleted(10, "msg_2"),
  edited(11, "msg_1", "first, at last"),
];
const fresh = reduce(emptyState, connected(0));
const whole = reduceAll(fresh, log);
const everything = (state: SessionState): Message[] => [
  ...state.olderMessages.filter((message) => message.seq < state.from),
  ...state.messages,
];
const held = (state: SessionState, id: string) => everything(state).find((message) => message.id === id);

describe("messages as they stand now", () => {
  test("an edit, a deletion and reactions show where the message is, and make no row", () => {
    expect(held(whole, "msg_1")).toMatchObject({
      content: "first, at last",
      edited_at: log[10]?.at,
      updated_seq: 11,
      reactions: [{ emoji: "👍", user_ids: [alice.user_id, bob.user_id] }],
    });
    expect(held(whole, "msg_2")).toMatchObject({ content: "", is_deleted: true, updated_seq: 10 });
    expect(whole.rows).toEqual([]);
  });

  test.each(log.map((_, split) => split))("a snapshot at %i and the events after it equal a fresh snapshot", (split) => {
    // A page of chat as it stood at `split`, as the server sends it; the rest comes live.
    const snapshot = everything(reduceAll(fresh, log.slice(0, split)));
    const late = reduceAll(emptyState, [
      connected(split),
      { type: "history", entries: [] },
      { type: "chat_history", messages: snapshot, hasOlder: false },
    ]);
    expect(everything(reduceAll(late, log.slice(split)))).toEqual(everything(whole));
  });

  test("a page that was read before the latest events and came after them is brought up to date", () => {
    for (let split = 3; split <= log.length; split += 1) {
      const snapshot = everything(reduceAll(fresh, log.slice(0, split)));
      const live = reduceAll(emptyState, [connected(3), ...log.slice(3)]);
      const page = snapshot.filter((message) => message.seq <= 3);
      const state = reduce(live, { type: "chat_history", messages: page, hasOlder: false });
      expect(everything(state)).toEqual(everything(whole));
    }
  });

  test("a page from the future takes each event once", () => {
    const state = reduceAll(emptyState, [
      connected(3),
      { type: "chat_history", messages: everything(whole), hasOlder: false },
      ...log.slice(3),
    ]);
    expect(everything(state)).toEqual(everything(whole));
  });

  test("any order of the events, each any number of times, gives the same messages", () => {
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 50; round += 1) {
      const shuffled = [...log, ...log.slice(round % 8)].toSorted(() => random() - 0.5);
      expect(everything(reduceAll(fresh, shuffled))).toEqual(everything(whole));
      expect(everything(shuffled.reduce<SessionState>(reduce, fresh))).toEqual(everything(whole));
    }
  });

  test("a thread that was read by itself follows the log too", () => {
    const messages = everything(reduceAll(fresh, log.slice(0, 4))).filter((message) => message.id !== "msg_2");
    const state = reduceAll(emptyState, [
      connected(4),
      { type: "thread_history", rootId: "msg_1", messages },
      ...log.slice(4),
    ]);
    expect(state.threads.get("msg_1")?.[0]).toEqual(held(whole, "msg_1"));
  });

  test("what changes nothing keeps the list as it is, so that nothing is drawn again", () => {
    const again = reduce(whole, entry(12, "reaction_added", { message_id: "msg_x", user_id: "u", emoji: "👍", source: "web" }));
    expect(again.messages).toBe(whole.messages);
  });
});

describe("a deletion", () => {
  const secret = [said(1, "the password is hunter2", bob, { code_ref: { file: "a.py", line: 1, end_line: null } })];
  const edit = edited(2, "msg_1", "the password is hunter3", bob, [alice.user_id]);
  const blank = [said(1, "", bob), edited(2, "msg_1", ""), deleted(3, "msg_1")];

  test("takes the text out of every entry that is held, so that they are those of the server's log", () => {
    const state = reduceAll(fresh, [...secret, edit, deleted(3, "msg_1")]);
    expect(state.entries).toEqual(blank);
    expect(JSON.stringify(state)).not.toContain("hunter");
    const encoder = new TextEncoder();
    const sum = blank.reduce((before, one) => crc32(encoder.encode(JSON.stringify(one)), before), 0);
    expect(agrees(state, { from_seq: 1, to_seq: 3, crc32: sum })).toBe(true);
  });

  test("also out of entries that come after it, from a page that was read before", () => {
    const late = reduceAll(emptyState, [connected(2), deleted(3, "msg_1")]);
    const state = reduce(late, { type: "history", entries: [...secret, edit] });
    expect(state.entries).toEqual(blank);
    expect(state.messages[0]).toMatchObject({ content: "", is_deleted: true });
  });

  test("that comes too early blanks at once what waits with it", () => {
    const state = reduceAll(fresh, [edit, deleted(3, "msg_1")]);
    expect(JSON.stringify([...state.ahead.values()])).not.toContain("hunter");
    expect(reduceAll(state, secret).entries).toEqual(blank);
  });

  test("of a comment takes its text from the entries as well", () => {
    const comment = {
      id: "cmt_1",
      thread_id: "cmt_1",
      user_id: bob.user_id,
      username: bob.username,
      file: "a.py",
      line: 1,
      end_line: 1,
      version: null,
      code_snippet: "x = 1",
      before: "",
      after: "",
      content: "not good",
      mentions: [alice.user_id],
      source: "web" as const,
      timestamp: "2026-01-05T09:00:00Z",
    };
    const state = reduceAll(fresh, [
      entry(1, "code_comment", { comment }, bob.user_id),
      entry(2, "comment_deleted", { comment_id: "cmt_1", source: "web" }, bob.user_id),
    ]);
    expect(state.entries[0]).toMatchObject({ comment: { content: "", mentions: [], code_snippet: "x = 1" } });
  });
});

describe("the erasing of a person", () => {
  const before = [
    entry(1, "session_started", { title: "Fix it", host: bob, agent: null }, bob.user_id),
    entry(2, "participant_added", { user: bob, role: "host", via: "start" }, bob.user_id),
    entry(3, "prompt_submitted", { turn_id: "t1", text: "Ask the zebra", occurred_at: null }, bob.user_id),
    said(4, "hello", alice),
  ];
  const erased = entry(5, "person_erased", { user_id: bob.user_id });
  const nobody = { ...bob, username: "Erased person" };
  const rest = [
    entry(1, "session_started", { title: "Fix it", host: nobody, agent: null }, bob.user_id),
    entry(2, "participant_added", { user: nobody, role: "host", via: "start" }, bob.user_id),
    entry(3, "prompt_submitted", { turn_id: "t1", text: "", occurred_at: null }, bob.user_id),
    said(4, "hello", alice),
    erased,
  ];

  test("takes the name and the prompts out of everything that is held, and out of nothing else", () => {
    const state = reduceAll(fresh, [...before, erased]);
    expect(state.entries).toEqual(rest);
    expect(JSON.stringify([state.entries, state.rows, state.session, ...state.members, ...state.people])).not.toMatch(
      /Bob|zebra/,
    );
    expect(state.messages[0]).toMatchObject({ username: alice.username, content: "hello" });
  });

  test("also out of pages that are read later", () => {
    const state = reduce(reduceAll(emptyState, [connected(4), erased]), { type: "history", entries: before });
    expect(state.entries).toEqual(rest);
  });
});

describe("what I want", () => {
  const change = (id: string, wanted: Pick<Change, "kind"> & Record<string, unknown>) =>
    ({ type: "change_wanted", change: { id, message_id: "msg_1", seq: null, ...wanted } as Change }) as const;
  const shown = (state: SessionState) => withWanted(state.messages, state.changes, alice.user_id)[0];
  const start = reduceAll(fresh, [said(1, "hello", alice)]);

  test("shows at once, and is forgotten when the log says so, in whatever order ack and entry come", () => {
    const wish = reduce(start, change("w1", { kind: "react", emoji: "👍" }));
    expect(shown(wish)?.reactions).toEqual([{ emoji: "👍", user_ids: [alice.user_id] }]);
    const stored = { type: "change_stored", id: "w1", seq: 2 } as const;
    const entered = reacted(2, "msg_1", "👍", alice);
    for (const order of [
      [stored, entered],
      [entered, stored],
    ]) {
      const state = reduceAll(wish, order);
      expect(state.changes).toEqual([]);
      expect(shown(state)?.reactions).toEqual([{ emoji: "👍", user_ids: [alice.user_id] }]);
    }
  });

  test("is taken back where the server refuses it, and the reason is told", () => {
    const wish = reduceAll(start, [
      change("w1", { kind: "edit", content: "hello!", mentions: [] }),
      change("w2", { kind: "react", emoji: "🎉" }),
    ]);
    expect(shown(wish)?.content).toBe("hello!");
    const refused = reduce(wish, { type: "change_refused", id: "w1", code: "not_allowed", message: "Not yours." });
    expect(shown(refused)).toMatchObject({ content: "hello", reactions: [{ emoji: "🎉" }] });
    expect(refused.notice?.message).toBe("Not yours.");
  });

  test("goes one after the other: a reaction given and taken back is not there", () => {
    const state = reduceAll(start, [
      change("w1", { kind: "react", emoji: "👍" }),
      change("w2", { kind: "unreact", emoji: "👍" }),
    ]);
    expect(shown(state)?.reactions).toEqual([]);
  });

  test("to delete shows no text any more, whatever was wanted before", () => {
    const state = reduceAll(start, [
      change("w1", { kind: "edit", content: "hello!", mentions: [] }),
      change("w2", { kind: "delete" }),
    ]);
    expect(shown(state)).toMatchObject({ content: "", is_deleted: true });
  });
});

describe("what is unread", () => {
  const marker = (fields: Partial<ReadMarker>): ReadMarker => ({
    type: "read_marker",
    read_up_to: 0,
    seq: 0,
    unread_count: 0,
    mention_count: 0,
    ...fields,
  });
  const arrived = reduce(
    emptyState,
    connected(10, {
      read_up_to: 4,
      session: { ...connected(10).session, unread_count: 3, mention_count: 1 },
    }),
  );
  const counts = ({ reading }: SessionState) => [reading?.unread, reading?.mentions];

  test("is what the server counted and what came since, mine apart", () => {
    const state = reduceAll(arrived, [
      said(11, "new"),
      said(12, "mine", alice),
      said(13, "for you", bob, { mentions: [alice.user_id] }),
      said(14, "all of you", bob, { mentions_here: true }),
    ]);
    expect(counts(state)).toEqual([6, 3]);
    expect(counts(reduceAll(state, [said(13, "for you", bob)]))).toEqual([6, 3]);
  });

  test("is as of the marker's entry, wherever among the live ones the marker comes", () => {
    const live = [said(11, "one"), said(12, "two"), said(13, "three")];
    const read = marker({ read_up_to: 12, seq: 12, unread_count: 0 });
    for (let at = 0; at <= live.length; at += 1) {
      const state = reduceAll(arrived, [...live.slice(0, at), read, ...live.slice(at)]);
      expect(counts(state)).toEqual([1, 0]);
      expect(state.reading?.read_up_to).toBe(12);
    }
  });

  test("never goes back to an older marker", () => {
    const state = reduceAll(arrived, [marker({ read_up_to: 10, seq: 10 }), marker({ read_up_to: 7, seq: 10, unread_count: 2 })]);
    expect(counts(state)).toEqual([0, 0]);
  });

  test("asks the server again when something that may have counted was taken back or calls me only now", () => {
    expect(reduce(arrived, deleted(11, "msg_9")).reading?.isStale).toBe(true);
    expect(reduce(arrived, edited(11, "msg_9", "you!", bob, [alice.user_id])).reading?.isStale).toBe(true);
    expect(reduce(arrived, edited(11, "msg_9", "nobody")).reading?.isStale).toBe(false);
    const asked = reduceAll(arrived, [deleted(11, "msg_9"), marker({ read_up_to: 4, seq: 11, unread_count: 2 })]);
    expect(asked.reading).toMatchObject({ unread: 2, isStale: false });
  });
});
