/** Entries and frames for tests: whole, as the server would send them, with only what matters spelled out. */
import type { ChatMessage, Connected, LogEntry, LogEvent, SessionView } from "~/session/protocol";

export const EPOCH = "epoch-1";
export const alice = { user_id: "usr_alice", username: "Alice Moreau", color: 0 };
export const bob = { user_id: "usr_bob", username: "Bob Tanaka", color: 3 };

type Body<T extends LogEvent["type"]> = Omit<Extract<LogEvent, { type: T }>, "type">;

export function entry<T extends LogEvent["type"]>(
  seq: number,
  type: T,
  body: Body<T>,
  actorId: string | null = null,
): LogEntry {
  const at = new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString();
  return { type, seq, at, actor_id: actorId, ...body } as unknown as LogEntry;
}

export function said(seq: number, content: string, who = bob, fields: Partial<ChatMessage> = {}): LogEntry {
  const message: ChatMessage = {
    id: `msg_${seq}`,
    user_id: who.user_id,
    username: who.username,
    content,
    mentions: [],
    mentions_here: false,
    parent_id: null,
    code_ref: null,
    source: "web",
    session_only: false,
    timestamp: new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString(),
    ...fields,
  };
  return entry(seq, "chat_message", { message }, who.user_id);
}

export function answer(seq: number, text: string): LogEntry {
  return entry(seq, "agent_message", { turn_id: "t1", text, occurred_at: null });
}

export function callStarted(seq: number, callId: string, title = "npm test"): LogEntry {
  return entry(seq, "tool_call_started", {
    turn_id: "t1",
    call_id: callId,
    tool: "Bash",
    kind: "execute",
    title,
    input: title,
    occurred_at: null,
  });
}

export function callFinished(seq: number, callId: string, exitCode = 0): LogEntry {
  return entry(seq, "tool_call_finished", {
    turn_id: "t1",
    call_id: callId,
    status: exitCode === 0 ? "completed" : "failed",
    output: "done",
    exit_code: exitCode,
    duration_ms: 1_200,
    reason: null,
    is_truncated: false,
    occurred_at: null,
  });
}

export function sessionView(seq: number): SessionView {
  return {
    id: "ses_1",
    title: "Fix the login bug",
    status: "live",
    agent: "claude-code",
    host: alice,
    role: "editor",
    seq,
    participant_count: 2,
    message_count: 0,
    token_count: null,
    created_at: "2026-01-05T09:00:00Z",
    last_activity_at: "2026-01-05T09:00:00Z",
    ended_at: null,
    health_score: null,
    is_mirrored: false,
    unread_count: 0,
    mention_count: 0,
  };
}

export function connected(seq: number, fields: Partial<Connected> = {}): Connected {
  return {
    type: "connected",
    you: alice,
    role: "editor",
    session: sessionView(seq),
    participants: [
      { ...alice, role: "editor" },
      { ...bob, role: "host" },
    ],
    presence: [],
    epoch: EPOCH,
    seq,
    is_resumed: false,
    heartbeat_ms: 20_000,
    limits: { frame_bytes: 65_536, message_characters: 12_000, messages_per_minute: 100, kept_days: 90 },
    connection_id: "con_1",
    expires_at: "2026-02-05T09:00:00Z",
    read_up_to: 0,
    context: {
      status: "waiting",
      token_count: null,
      context_used: null,
      context_limit: null,
      health_score: null,
      health_reasons: [],
      files_touched: 0,
      tool_calls: 0,
      tool_failures: 0,
      turns: 0,
    },
    ...fields,
  };
}
