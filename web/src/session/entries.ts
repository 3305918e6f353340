/**
 * Entries into what a page holds of the log: in their order, each once, and what they say of the session, its people, its
 * chat and of messages on their way. Pure.
 */
import { blankedAll, erasedAmong, nameless, withDeletions } from "./blanking";
import { fold } from "./fold";
import { changedAll, isMessageChange } from "./messages";
import type { LogEntry } from "./protocol";
import { withNew } from "./reading";
import type { ChatMessage, MessageFile } from "~/protocol.gen";
import { emptyView, type Member, type Outgoing, type SessionState } from "./state";

/** Entries from anywhere: known ones are dropped, next ones appended, older ones put in front, early ones kept. */
export function takeEntries(before: SessionState, taken: readonly LogEntry[]): SessionState {
  const deleted = withDeletions(before.deleted, taken);
  const entries = blankedAll(taken, deleted);
  const state = deleted === before.deleted ? before : withoutDeleted(before, deleted);
  const ahead = new Map(state.ahead);
  const older = new Map<number, LogEntry>();
  for (const entry of entries) {
    if (entry.seq > state.to) ahead.set(entry.seq, entry);
    else if (entry.seq < state.from) older.set(entry.seq, entry);
  }
  const next: LogEntry[] = [];
  for (let seq = state.to + 1; ahead.has(seq); seq += 1) {
    next.push(ahead.get(seq) as LogEntry);
    ahead.delete(seq);
  }
  const front: LogEntry[] = [];
  for (let seq = state.from - 1; older.has(seq); seq -= 1) front.push(older.get(seq) as LogEntry);
  front.reverse();
  if (next.length === 0 && front.length === 0) {
    return ahead.size === state.ahead.size ? state : { ...state, ahead, head: Math.max(state.head, ...ahead.keys()) };
  }
  const held = [...front, ...state.entries, ...next];
  // Entries in front can change what later ones mean (a call's start and its end), so all is folded anew.
  const isRenamed = next.some((entry) => entry.type === "person_erased");
  const view = front.length > 0 || isRenamed ? fold(emptyView, held) : fold(state, next);
  const to = state.to + next.length;
  const grown: SessionState = {
    ...state,
    ...view,
    entries: held,
    from: state.from - front.length,
    to,
    ahead,
    head: Math.max(state.head, to, ...ahead.keys()),
  };
  return settleOutbox(takeChat(next.reduce(takeMeaning, grown), next), next);
}

/**
 * Texts that were deleted are in no entry from now on, in those that came too early neither; the names of people who were
 * erased are nowhere.
 */
function withoutDeleted(before: SessionState, deleted: ReadonlySet<string>): SessionState {
  const erased = erasedAmong(deleted);
  const state = erased.size > 0 ? withoutNames(before, erased) : before;
  const early = blankedAll([...state.ahead.values()], deleted);
  return {
    ...state,
    deleted,
    entries: blankedAll(state.entries, deleted),
    ahead: new Map(early.map((entry) => [entry.seq, entry])),
  };
}

function withoutNames(state: SessionState, erased: ReadonlySet<string>): SessionState {
  const named = <V>(map: ReadonlyMap<string, V>) =>
    new Map([...map].map(([key, value]) => [key, nameless(value, erased)] as const));
  return {
    ...state,
    session: nameless(state.session, erased),
    members: named(state.members),
    presence: named(state.presence),
    olderMessages: nameless(state.olderMessages, erased),
    threads: named(state.threads),
  };
}

/** What new entries say of the chat that is held beside the log, of wishes that they grant, and of what is unread. */
function takeChat(state: SessionState, entries: readonly LogEntry[]): SessionState {
  const myId = state.you?.user_id ?? "";
  const reading = state.reading && withNew(state.reading, entries, myId);
  const changes = state.changes.filter((change) => change.seq === null || change.seq > state.to);
  const next = {
    ...state,
    reading,
    changes: changes.length === state.changes.length ? state.changes : changes,
  };
  if (!entries.some(isMessageChange)) return next;
  const threads = [...state.threads].map(([id, messages]) => [id, changedAll(messages, entries)] as const);
  return { ...next, olderMessages: changedAll(state.olderMessages, entries), threads: new Map(threads) };
}

function withThreadNews(state: SessionState): SessionState {
  return { ...state, thread: null, threadNews: state.threadNews + 1 };
}

/** What a new entry says about the session and its people, beside its row. Old entries never get here. */
function takeMeaning(state: SessionState, entry: LogEntry): SessionState {
  switch (entry.type) {
    case "session_update":
      if (!state.session) return state;
      return {
        ...state,
        session: {
          ...state.session,
          title: entry.title ?? state.session.title,
          host: entry.host ?? state.session.host,
        },
      };
    case "session_ended":
      return state.session
        ? { ...state, session: { ...state.session, status: "ended", ended_at: entry.at } }
        : state;
    case "thread_linked":
      return withThreadNews(state.session ? { ...state, session: { ...state.session, is_mirrored: true } } : state);
    case "mirror_paused":
    case "mirror_resumed":
      return withThreadNews(state);
    case "participant_added":
      return { ...state, members: withMember(state.members, { ...entry.user, role: entry.role }) };
    case "participant_removed": {
      const members = new Map(state.members);
      const presence = new Map(state.presence);
      members.delete(entry.user_id);
      presence.delete(entry.user_id);
      return { ...state, members, presence };
    }
    case "role_changed": {
      const member = state.members.get(entry.user_id);
      const role = entry.user_id === state.you?.user_id ? entry.role : state.role;
      if (!member) return { ...state, role };
      return { ...state, role, members: withMember(state.members, { ...member, role: entry.role }) };
    }
    case "chat_message": {
      if (!state.typing.has(entry.message.user_id)) return state;
      return { ...state, typing: without(state.typing, entry.message.user_id) };
    }
    default:
      return state;
  }
}

/**
 * New entries against messages on their way. An acknowledged one is done when its entry is here. An entry that overtakes
 * its ack hides the message it looks like, until the ack tells for certain.
 */
function settleOutbox(state: SessionState, entries: readonly LogEntry[]): SessionState {
  if (state.outbox.length === 0) return state;
  let outbox = state.outbox.filter((item) => item.seq === null || item.seq > state.to);
  for (const entry of entries) {
    if (entry.type !== "chat_message" || entry.message.user_id !== state.you?.user_id) continue;
    const at = outbox.findIndex(
      (item) => item.state === "pending" && item.echo_seq === null && saysTheSame(item, entry.message),
    );
    const item = outbox[at];
    if (item) outbox = outbox.with(at, { ...item, echo_seq: entry.seq });
  }
  return { ...state, outbox };
}

function saysTheSame(item: Outgoing, message: ChatMessage): boolean {
  const hashes = (files: readonly MessageFile[] = []) => files.map((file) => file.sha256).join(" ");
  return item.content.trim() === message.content.trim() && hashes(item.files) === hashes(message.files);
}

export function withMember(members: SessionState["members"], member: Member): SessionState["members"] {
  return new Map(members).set(member.user_id, member);
}

export function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
