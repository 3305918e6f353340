/**
 * Entries to view: what the transcript and the chat show is a fold over the log, the same for history, live and replay.
 * The result is new; what goes in is never changed.
 */
import { changed, type MessageChange, newMessage } from "./messages";
import type { FileChanged, LogEntry, Person, ToolCallFinished, UsageUpdated } from "./protocol";
import type { CommentRow, Message, NoteRow, Row, SharedFile, TurnEndRow, View } from "./state";

interface Draft {
  rows: Row[];
  messages: Message[];
  openCalls: Map<string, number>;
  files: Map<string, { added: number; removed: number }>;
  turn: View["turn"];
  agent: string | null;
  model: string | null;
  tokens: View["tokens"];
  context: View["context"];
  sharedFiles: Map<string, SharedFile>;
  commentsSeq: number;
  failedCalls: number;
  people: Map<string, Person>;
}

/** `view` with `entries` after it. They follow each other and everything in `view`. */
export function fold(view: View, entries: readonly LogEntry[]): View {
  if (entries.length === 0) return view;
  const draft: Draft = {
    ...view,
    rows: view.rows.slice(),
    messages: view.messages.slice(),
    openCalls: new Map(view.openCalls),
    files: new Map(view.files),
    sharedFiles: entries.some((entry) => entry.type === "file_shared")
      ? new Map(view.sharedFiles)
      : (view.sharedFiles as Map<string, SharedFile>),
    people: new Map(view.people),
  };
  for (const entry of entries) add(draft, entry);
  // What did not change keeps its identity, so that nothing is drawn again for it.
  if (draft.rows.length === view.rows.length && draft.rows.every((row, at) => row === view.rows[at])) {
    draft.rows = view.rows as Row[];
  }
  if (draft.messages.length === view.messages.length && draft.messages.every((one, at) => one === view.messages[at])) {
    draft.messages = view.messages as Message[];
  }
  return draft;
}

const base = (entry: LogEntry) => ({
  key: `e${entry.seq}`,
  seq: entry.seq,
  at: ("occurred_at" in entry && entry.occurred_at) || entry.at,
});

function add(draft: Draft, entry: LogEntry): void {
  switch (entry.type) {
    case "chat_message":
      draft.messages.push(newMessage(entry.message, entry.seq));
      meet(draft, { user_id: entry.message.user_id, username: entry.message.username });
      return;
    case "message_edited":
    case "message_deleted":
    case "reaction_added":
    case "reaction_removed":
      // No row: it shows where the message is.
      changeMessage(draft, entry);
      return;
    case "prompt_submitted":
      draft.rows.push({ ...base(entry), kind: "prompt", text: entry.text, author: entry.actor_id });
      return;
    case "agent_message":
      draft.rows.push({ ...base(entry), kind: "message", text: entry.text });
      return;
    case "agent_thought":
      draft.rows.push({ ...base(entry), kind: "thought", text: entry.text });
      return;
    case "tool_call_started":
      draft.openCalls.set(entry.call_id, draft.rows.length);
      draft.rows.push({ ...base(entry), kind: "tool", started: entry, finished: null, isOver: false });
      if (draft.turn) draft.turn = { ...draft.turn, calls: draft.turn.calls + 1 };
      return;
    case "tool_call_finished":
      finishCall(draft, entry);
      return;
    case "file_changed":
      changeFile(draft, entry);
      return;
    case "file_shared":
      // No row: the agent's own `file_changed` tells of it.
      draft.sharedFiles.set(entry.path, entry);
      return;
    case "code_comment":
      draft.commentsSeq = entry.seq;
      meet(draft, { user_id: entry.comment.user_id, username: entry.comment.username });
      // Answers are read where the thread is.
      if (entry.comment.id !== entry.comment.thread_id) return;
      draft.rows.push({ ...base(entry), kind: "comment", comment: entry.comment, isDeleted: false });
      return;
    case "comment_edited":
      draft.commentsSeq = entry.seq;
      patchComment(draft, entry.comment_id, (row) => ({ ...row, comment: { ...row.comment, content: entry.content } }));
      return;
    case "comment_deleted":
      draft.commentsSeq = entry.seq;
      patchComment(draft, entry.comment_id, (row) => ({
        ...row,
        comment: { ...row.comment, content: "" },
        isDeleted: true,
      }));
      return;
    case "comment_resolved":
    case "comment_reopened":
      draft.commentsSeq = entry.seq;
      return;
    case "usage_updated":
      countTokens(draft, entry);
      return;
    case "agent_failed":
      draft.rows.push({ ...base(entry), kind: "failure", text: entry.message });
      return;
    case "turn_started":
      if (entry.agent !== draft.agent || entry.model !== draft.model) {
        draft.rows.push({ ...base(entry), kind: "turn_start", agent: entry.agent, model: entry.model });
      }
      draft.agent = entry.agent;
      draft.model = entry.model ?? draft.model;
      draft.turn = { id: entry.turn_id, startedAt: base(entry).at, calls: 0, failedCalls: 0 };
      return;
    case "turn_finished":
      draft.rows.push({
        ...base(entry),
        kind: "turn_end",
        status: entry.status,
        durationMs: entry.duration_ms,
        tokens: draft.tokens,
        calls: draft.turn?.calls ?? 0,
        failedCalls: draft.turn?.failedCalls ?? 0,
      });
      draft.turn = null;
      for (const at of draft.openCalls.values()) {
        const row = draft.rows[at];
        if (row?.kind === "tool") draft.rows[at] = { ...row, isOver: true };
      }
      return;
    default: {
      if (entry.type === "session_started") meet(draft, entry.host);
      if (entry.type === "participant_added") meet(draft, entry.user);
      const note = noteOf(entry);
      if (note) draft.rows.push({ ...base(entry), kind: "note", ...note });
    }
  }
}

function meet(draft: Draft, person: Pick<Person, "user_id" | "username"> & Partial<Person>): void {
  const known = draft.people.get(person.user_id);
  draft.people.set(person.user_id, { color: known?.color ?? 0, ...person });
}

function changeMessage(draft: Draft, entry: MessageChange): void {
  const at = draft.messages.findLastIndex((message) => message.id === entry.message_id);
  const message = draft.messages[at];
  if (message) draft.messages[at] = changed(message, entry);
}

function finishCall(draft: Draft, entry: LogEntry & ToolCallFinished): void {
  if (entry.status === "failed") {
    draft.failedCalls += 1;
    if (draft.turn) draft.turn = { ...draft.turn, failedCalls: draft.turn.failedCalls + 1 };
  }
  const at = draft.openCalls.get(entry.call_id);
  const row = at === undefined ? undefined : draft.rows[at];
  if (at === undefined || row?.kind !== "tool") {
    // Its start lies in a page that is not loaded.
    draft.rows.push({ ...base(entry), kind: "tool", started: null, finished: entry, isOver: true });
    return;
  }
  draft.openCalls.delete(entry.call_id);
  draft.rows[at] = { ...row, finished: entry };
}

function changeFile(draft: Draft, entry: LogEntry & FileChanged): void {
  const before = draft.files.get(entry.old_path ?? entry.path) ?? { added: 0, removed: 0 };
  if (entry.old_path) draft.files.delete(entry.old_path);
  draft.files.set(entry.path, { added: before.added + entry.added, removed: before.removed + entry.removed });
  draft.rows.push({ ...base(entry), kind: "file", change: entry });
}

function patchComment(draft: Draft, id: string, change: (row: CommentRow) => CommentRow): void {
  const at = draft.rows.findLastIndex((row) => row.kind === "comment" && row.comment.id === id);
  const row = draft.rows[at];
  if (row?.kind === "comment") draft.rows[at] = change(row);
}

function countTokens(draft: Draft, entry: LogEntry & UsageUpdated): void {
  draft.tokens = entry.tokens;
  draft.model = entry.model ?? draft.model;
  if (entry.context_used !== null) draft.context = { used: entry.context_used, limit: entry.context_limit };
  // An agent that counts after its turn ended still tells what that turn cost.
  const at = draft.rows.length - 1;
  const last = draft.rows[at];
  if (draft.turn === null && last?.kind === "turn_end") {
    draft.rows[at] = { ...last, tokens: entry.tokens } satisfies TurnEndRow;
  }
}

type Note = Pick<NoteRow, "icon" | "who" | "text" | "href">;

function noteOf(entry: LogEntry): Note | null {
  switch (entry.type) {
    case "session_started":
      return { icon: "flag", who: entry.host.user_id, text: "started the session" };
    case "session_update":
      return entry.title ? { icon: "edit", who: entry.actor_id, text: `renamed the session to “${entry.title}”` } : null;
    case "session_ended":
      return { icon: "flag", who: entry.actor_id, text: `ended the session${entry.reason ? `: ${entry.reason}` : ""}` };
    case "participant_added":
      // The host's own seat is part of "started the session".
      if (entry.via === "start") return null;
      return { icon: "join", who: entry.user.user_id, text: `joined as ${entry.role}` };
    case "participant_removed":
      return {
        icon: "leave",
        who: entry.user_id,
        text: entry.actor_id === entry.user_id ? "left the session" : "was removed from the session",
      };
    case "role_changed":
      return { icon: "key", who: entry.user_id, text: `is now ${entry.role}` };
    case "invite_created":
      return {
        icon: "link",
        who: entry.actor_id,
        text: entry.way === "link" ? `made an invite link for ${entry.role}s` : `invited somebody as ${entry.role}`,
      };
    case "invite_revoked":
      return { icon: "link", who: entry.actor_id, text: "withdrew an invite" };
    case "invite_declined":
      // Whoever declines is no participant, so that nobody's name is known by an id.
      return { icon: "link", who: null, text: entry.user ? `${entry.user.username} declined an invite` : "An invite was declined" };
    case "invite_expired":
      return { icon: "link", who: null, text: "An invite has expired" };
    case "knocked":
      return { icon: "key", who: null, text: `${entry.user.username} ${entry.reminder ? "still waits" : "knocks"}, to come in as ${entry.role}` };
    case "knock_answered":
      // Whoever was let in is seen to join.
      return entry.is_admitted ? null : { icon: "key", who: entry.actor_id, text: "did not let somebody in" };
    case "person_erased":
      return { icon: "leave", who: null, text: "What somebody wrote here was erased, at their wish" };
    case "thread_linked":
      return {
        icon: "link",
        who: null,
        text: `This session is mirrored to a Slack thread${entry.channel_name ? ` in #${entry.channel_name}` : ""}`,
        href: entry.url || undefined,
      };
    case "mirror_paused":
      return { icon: "warning", who: null, text: `The Slack mirror is paused: ${entry.reason}` };
    case "mirror_resumed":
      return {
        icon: "link",
        who: entry.actor_id,
        text: `had a new Slack thread opened${entry.channel_name ? ` in #${entry.channel_name}` : ""}; what was said before is not copied`,
      };
    case "transcript_ended":
      return { icon: "flag", who: null, text: transcriptSummary(entry) };
    case "invite_accepted":
      return null;
    default:
      return {
        icon: "unknown",
        who: null,
        text: `Something this page does not know yet happened (${(entry as { type: string }).type}). Reload to update.`,
      };
  }
}

function transcriptSummary(entry: Extract<LogEntry, { type: "transcript_ended" }>): string {
  const count = (counts: Record<string, number>) => Object.values(counts).reduce((sum, n) => sum + n, 0);
  const parts = [`End of the transcript: ${entry.records.toLocaleString("en")} records`];
  const skipped = count(entry.skipped);
  if (skipped) parts.push(`${skipped} not shown (${Object.keys(entry.skipped).join(", ")})`);
  if (entry.corrupt) parts.push(`${entry.corrupt} unreadable`);
  const redacted = count(entry.redacted);
  if (redacted) parts.push(`${redacted} ${redacted === 1 ? "secret" : "secrets"} taken out`);
  return parts.join(" · ");
}
