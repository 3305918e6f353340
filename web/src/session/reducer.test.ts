import { describe, expect, test } from "vitest";
import { alice, answer, bob, callFinished, callStarted, connected, entry, said } from "~/testing/entries";
import type { LogEntry } from "./protocol";
import { type Input, reduce, reduceAll } from "./reducer";
import { emptyState, type Outgoing, type SessionState } from "./state";

const log: LogEntry[] = [
  entry(1, "session_started", { title: "Fix the login bug", host: bob, agent: "claude-code" }, bob.user_id),
  entry(2, "participant_added", { user: bob, role: "host", via: "start" }, bob.user_id),
  entry(3, "turn_started", { turn_id: "t1", agent: "claude-code", model: "opus", occurred_at: null }),
  entry(4, "prompt_submitted", { turn_id: "t1", text: "Fix it", occurred_at: null }, bob.user_id),
  callStarted(5, "c1"),
  said(6, "hello"),
  callFinished(7, "c1", 2),
  entry(8, "file_changed", {
    turn_id: "t1",
    call_id: "c1",
    path: "src/login.ts",
    change: "modified",
    old_path: null,
    added: 3,
    removed: 1,
    diff: "@@ -1,1 +1,3 @@",
    is_truncated: false,
    occurred_at: null,
  }),
  answer(9, "Done."),
  entry(10, "turn_finished", { turn_id: "t1", status: "completed", duration_ms: 9_000, occurred_at: null }),
];

/** A page that was connected when the log was empty. */
const fresh = reduce(emptyState, connected(0));
const whole = reduceAll(fresh, log);
const shown = (state: SessionState) => ({ rows: state.rows, messages: state.messages, files: [...state.files] });

function queued(id: string, content: string): Input {
  const message: Outgoing = {
    client_msg_id: id,
    content,
    files: [],
    mentions: [],
    parent_id: null,
    session_only: false,
    written_at: "2026-01-05T09:00:00Z",
    state: "pending",
    seq: null,
    echo_seq: null,
    error: null,
  };
  return { type: "message_queued", message };
}

describe("the log", () => {
  test("one frame at a time and all at once give the same state", () => {
    expect(log.reduce<SessionState>(reduce, fresh)).toEqual(whole);
  });

  test("a frame that comes twice has one effect", () => {
    expect(reduceAll(whole, log)).toBe(whole);
  });

  test("frames out of order give the same view once the last hole is filled", () => {
    const shuffled = [9, 2, 5, 0, 7, 1, 8, 3, 6, 4].map((at) => log[at] as LogEntry);
    const state = shuffled.reduce<SessionState>(reduce, fresh);
    expect(shown(state)).toEqual(shown(whole));
    expect(state.ahead.size).toBe(0);
  });

  test("nothing after a hole is shown before the hole is filled", () => {
    const state = reduceAll(fresh, [...log.slice(0, 4), ...log.slice(5)]);
    expect(state.to).toBe(4);
    expect(state.head).toBe(10);
    expect(state.messages).toEqual([]);
    expect(shown(reduce(state, log[4] as LogEntry))).toEqual(shown(whole));
  });

  test("history loaded backwards in pages equals what was seen live, at every split", () => {
    for (let split = 0; split < log.length; split += 1) {
      const late = reduce(emptyState, connected(10));
      const second = reduce(late, { type: "history", entries: log.slice(split) });
      const state = reduce(second, { type: "history", entries: log.slice(0, split) });
      expect(shown(state)).toEqual(shown(whole));
      expect(state.from).toBe(1);
    }
  });

  test("live frames that come before the first page of history follow it", () => {
    const late = reduce(emptyState, connected(8));
    const live = reduceAll(late, log.slice(8));
    expect(live.isLoaded).toBe(false);
    expect(shown(reduce(live, { type: "history", entries: log.slice(0, 8) }))).toEqual(shown(whole));
  });

  test("what goes in is never changed", () => {
    const before = structuredClone(whole.rows);
    reduceAll(whole, [callStarted(11, "c2"), callFinished(12, "c2"), answer(13, "More")]);
    expect(whole.rows).toEqual(before);
  });

  test("an event of a kind from the future is counted, shown as such, and harms nothing", () => {
    const unknown = { type: "hologram_shared", seq: 11, at: "2026-01-05T09:01:00Z", actor_id: null } as unknown;
    const state = reduce(whole, unknown as LogEntry);
    expect(state.to).toBe(11);
    expect(state.rows.at(-1)).toMatchObject({ kind: "note", icon: "unknown" });
  });

  test("a frame of a kind from the future changes nothing", () => {
    expect(reduce(whole, { type: "confetti" } as unknown as Input)).toBe(whole);
  });
});

describe("the transcript", () => {
  test("start and end of a call are one row, with its failure", () => {
    const tools = whole.rows.filter((row) => row.kind === "tool");
    expect(tools).toHaveLength(1);
    expect(tools[0]).toMatchObject({ seq: 5, finished: { status: "failed", exit_code: 2 } });
  });

  test("a call whose end never came is over when its turn is", () => {
    const state = reduceAll(fresh, [...log.slice(0, 5), { ...(log[9] as LogEntry), seq: 6 }]);
    expect(state.rows.find((row) => row.kind === "tool")).toMatchObject({ finished: null, isOver: true });
  });

  test("a turn ends with its duration, its calls and those that failed", () => {
    expect(whole.rows.at(-1)).toMatchObject({ kind: "turn_end", durationMs: 9_000, calls: 1, failedCalls: 1 });
  });

  test("tokens counted after the turn ended stand with that turn", () => {
    const tokens = { total: 500, input: 400, output: 100, cache_read: 0, cache_write: 0 };
    const usage = entry(11, "usage_updated", {
      model: null,
      tokens,
      context_used: null,
      context_limit: null,
      occurred_at: null,
    });
    expect(reduce(whole, usage).rows.at(-1)).toMatchObject({ kind: "turn_end", tokens });
  });

  test("changes of one file add up", () => {
    const more = { ...(log[7] as LogEntry), seq: 11 };
    expect(reduce(whole, more).files.get("src/login.ts")).toEqual({ added: 6, removed: 2 });
  });
});

describe("a new history", () => {
  test("is_resumed false forgets what was held and keeps what was not sent", () => {
    const state = reduceAll(whole, [queued("m1", "still mine"), connected(3, { epoch: "epoch-2" })]);
    expect(state).toMatchObject({ rows: [], from: 4, to: 3, isLoaded: false, epoch: "epoch-2" });
    expect(state.outbox).toHaveLength(1);
  });

  test("a resumed line keeps everything and takes what was missed", () => {
    const state = reduceAll(whole, [connected(11, { is_resumed: true }), answer(11, "While you were away")]);
    expect(state.entries).toHaveLength(11);
  });
});

describe("people", () => {
  test("a role that changes changes mine", () => {
    const role = entry(11, "role_changed", { user_id: alice.user_id, role: "viewer" }, bob.user_id);
    expect(reduce(whole, role).role).toBe("viewer");
  });

  test("old entries do not undo what is known now", () => {
    const late = reduce(emptyState, connected(10, { session: { ...connected(10).session, title: "Renamed" } }));
    const old = entry(10, "session_update", { title: "Older name", host: null });
    const state = reduce(late, { type: "history", entries: [...log.slice(0, 9), old] });
    expect(state.session?.title).toBe("Renamed");
  });

  test("somebody who was removed keeps their name in the transcript and leaves the people", () => {
    const state = reduce(whole, entry(11, "participant_removed", { user_id: bob.user_id }, alice.user_id));
    expect(state.members.has(bob.user_id)).toBe(false);
    expect(state.people.get(bob.user_id)?.username).toBe(bob.username);
  });

  test("typing ends with the message, and my own is never shown to me", () => {
    const typing = { type: "typing", user_id: bob.user_id, username: bob.username, is_typing: true } as const;
    const state = reduceAll(whole, [typing, { ...typing, user_id: alice.user_id }]);
    expect([...state.typing.keys()]).toEqual([bob.user_id]);
    expect(reduce(state, said(11, "here")).typing.size).toBe(0);
  });
});

describe("my messages", () => {
  const sending = reduce(whole, queued("m1", "on its way"));

  test("are there once when the entry comes before the ack", () => {
    const echoed = reduce(sending, said(11, "on its way", alice));
    expect(echoed.outbox[0]).toMatchObject({ echo_seq: 11 });
    expect(reduce(echoed, { type: "ack", client_msg_id: "m1", seq: 11 }).outbox).toEqual([]);
  });

  test("are there once when the ack comes before the entry", () => {
    const acked = reduce(sending, { type: "ack", client_msg_id: "m1", seq: 11 });
    expect(acked.outbox[0]).toMatchObject({ state: "sent" });
    const done = reduce(acked, said(11, "on its way", alice));
    expect(done.outbox).toEqual([]);
    expect(done.messages.at(-1)?.content).toBe("on its way");
  });

  test("from another tab with the same words do not count as stored", () => {
    const echoed = reduce(sending, said(11, "on its way", alice));
    const refused = reduce(echoed, {
      type: "error",
      error_code: "not_allowed",
      message: "Viewers read.",
      retryable: false,
      retry_after_ms: null,
      re: "m1",
    });
    expect(refused.outbox[0]).toMatchObject({ state: "failed", echo_seq: null, error: "Viewers read." });
  });

  test("stay pending when the server says later, and wait for a person when it says no", () => {
    const error = {
      type: "error",
      error_code: "too_many",
      message: "Slow down.",
      retry_after_ms: 900,
      re: "m1",
    } as const;
    expect(reduce(sending, { ...error, retryable: true }).outbox[0]?.state).toBe("pending");
    const failed = reduce(sending, { ...error, retryable: false });
    expect(failed.outbox[0]?.state).toBe("failed");
    expect(reduce(failed, { type: "message_requeued", client_msg_id: "m1" }).outbox[0]?.state).toBe("pending");
  });
});
