/**
 * `(state, input) → state`, pure: frames of the socket, pages of history and what happens on this page go in, in any
 * order and any number of times; the same log always comes out as the same view.
 */
import { blankedAll, withDeletions } from "./blanking";
import { fold } from "./fold";
import { changedAll, isMessageChange } from "./messages";
import { type Incoming, isEntry, type LogEntry, type ServerFrame } from "./protocol";
import { markedAs, readingOf, withNew } from "./reading";
import { type Change, emptyState, emptyView, type Member, type Message, type Outgoing, type SessionState } from "./state";

/** What happens on this page itself. */
export type Local =
  | { type: "history"; entries: readonly LogEntry[] }
  | { type: "chat_history"; messages: readonly Message[]; hasOlder: boolean }
  | { type: "thread_history"; rootId: string; messages: readonly Message[] }
  | { type: "change_wanted"; change: Change }
  | { type: "change_stored"; id: string; seq: number }
  | { type: "change_refused"; id: string; code: string; message: string }
  | { type: "message_queued"; message: Outgoing }
  | { type: "outbox_restored"; messages: readonly Outgoing[] }
  | { type: "message_requeued"; client_msg_id: string }
  | { type: "message_discarded"; client_msg_id: string }
  | { type: "typing_expired"; user_id: string }
  | { type: "notice_dismissed" };

export type Input = Incoming | Local;

export function reduce(state: SessionState, input: Input): SessionState {
  return reduceAll(state, [input]);
}

/** Many at once: the entries among them are folded in one go. */
export function reduceAll(state: SessionState, inputs: readonly Input[]): SessionState {
  let next = state;
  let run: LogEntry[] = [];
  const flush = () => {
    if (run.length > 0) next = takeEntries(next, run);
    run = [];
  };
  for (const input of inputs) {
    if (isEntry(input as Incoming)) run.push(input as LogEntry);
    else {
      flush();
      next = takeOther(next, input as ServerFrame | Local);
    }
  }
  flush();
  return next;
}

/** Entries from anywhere: known ones are dropped, next ones appended, older ones put in front, early ones kept. */
function takeEntries(before: SessionState, taken: readonly LogEntry[]): SessionState {
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
  const view = front.length > 0 ? fold(emptyView, held) : fold(state, next);
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

/** Texts that were deleted are in no entry from now on, in those that came too early neither. */
function withoutDeleted(state: SessionState, deleted: ReadonlySet<string>): SessionState {
  const early = blankedAll([...state.ahead.values()], deleted);
  return {
    ...state,
    deleted,
    entries: blankedAll(state.entries, deleted),
    ahead: new Map(early.map((entry) => [entry.seq, entry])),
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
      return state.session ? { ...state, session: { ...state.session, is_mirrored: true } } : state;
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

function takeOther(state: SessionState, input: ServerFrame | Local): SessionState {
  switch (input.type) {
    case "connected":
      return connect(state, input);
    case "ack":
      return takeAck(state, input.client_msg_id, input.seq);
    case "error":
      return takeError(state, input);
    case "ping":
    case "pong":
      return input.seq > state.head ? { ...state, head: input.seq } : state;
    case "user_joined":
      return { ...state, members: withMember(state.members, input.user) };
    case "user_left":
      return {
        ...state,
        presence: without(state.presence, input.user_id),
        typing: without(state.typing, input.user_id),
      };
    case "presence_update": {
      const presence = new Map(state.presence);
      for (const person of input.users) presence.set(person.user_id, person);
      return { ...state, presence };
    }
    case "followed": {
      const person = state.presence.get(input.user_id);
      if (!person || person.following === input.target_id) return state;
      return { ...state, presence: new Map(state.presence).set(input.user_id, { ...person, following: input.target_id }) };
    }
    case "summoned":
      return { ...state, summons: { by: input.by, nonce: (state.summons?.nonce ?? 0) + 1 } };
    case "session_update":
      return { ...state, health: input.context };
    case "typing": {
      if (input.user_id === state.you?.user_id) return state;
      const typing = new Map(state.typing);
      if (input.is_typing) typing.set(input.user_id, { user_id: input.user_id, username: input.username });
      else typing.delete(input.user_id);
      return { ...state, typing };
    }
    case "history": {
      const taken = takeEntries(state, input.entries);
      return taken.isLoaded ? taken : { ...taken, isLoaded: true };
    }
    case "chat_history": {
      const first = state.olderMessages[0]?.seq ?? state.from;
      // The page was read a moment ago: what came since still applies to it.
      const older = changedAll(
        input.messages.filter((message) => message.seq < first),
        state.entries,
      );
      return { ...state, olderMessages: [...older, ...state.olderMessages], hasOlderMessages: input.hasOlder };
    }
    case "thread_history": {
      const messages = changedAll(input.messages, state.entries);
      return { ...state, threads: new Map(state.threads).set(input.rootId, messages) };
    }
    case "change_wanted":
      return { ...state, changes: [...state.changes, input.change] };
    case "change_stored": {
      const head = Math.max(state.head, input.seq);
      if (input.seq <= state.to) return { ...state, head, changes: withoutChange(state, input.id) };
      const changes = state.changes.map((one) => (one.id === input.id ? { ...one, seq: input.seq } : one));
      return { ...state, head, changes };
    }
    case "change_refused": {
      const notice = { code: input.code, message: input.message };
      return { ...state, changes: withoutChange(state, input.id), notice };
    }
    case "read_marker":
      return { ...state, reading: markedAs(state.reading, input, state.entries, state.you?.user_id ?? "") };
    case "message_queued":
      return { ...state, outbox: [...state.outbox, input.message] };
    case "outbox_restored":
      return {
        ...state,
        outbox: [
          ...state.outbox,
          ...input.messages.filter((kept) => !state.outbox.some((item) => item.client_msg_id === kept.client_msg_id)),
        ],
      };
    case "message_requeued":
      return patchOutgoing(state, input.client_msg_id, { state: "pending", error: null });
    case "message_discarded":
      return { ...state, outbox: state.outbox.filter((item) => item.client_msg_id !== input.client_msg_id) };
    case "typing_expired":
      return { ...state, typing: without(state.typing, input.user_id) };
    case "notice_dismissed":
      return { ...state, notice: null };
    default:
      // `draining` concerns the connection; a kind from a newer server concerns nobody here.
      return state;
  }
}

function connect(state: SessionState, frame: Extract<ServerFrame, { type: "connected" }>): SessionState {
  const isFresh = state.epoch === null || !frame.is_resumed || frame.epoch !== state.epoch;
  const start = isFresh ? forgetful(state, frame.seq) : state;
  return {
    ...start,
    // An empty log has no history to wait for.
    isLoaded: isFresh ? frame.seq === 0 : state.isLoaded,
    hasOlderMessages: isFresh ? frame.seq > 0 : state.hasOlderMessages,
    epoch: frame.epoch,
    head: isFresh ? frame.seq : Math.max(state.head, frame.seq),
    session: frame.session,
    you: frame.you,
    role: frame.role,
    members: new Map(frame.participants.map((person) => [person.user_id, person])),
    presence: new Map(frame.presence.map((person) => [person.user_id, person])),
    typing: new Map(),
    limits: frame.limits,
    health: frame.context,
    reading: withNew(readingOf(frame), start.entries, frame.you.user_id),
    notice: null,
  };
}

/** What this person wants outlives a history that is forgotten. */
function forgetful(state: SessionState, seq: number): SessionState {
  const changes = state.changes.filter((change) => change.seq === null);
  return { ...emptyState, outbox: state.outbox, changes, from: seq + 1, to: seq };
}

function takeAck(state: SessionState, id: string, seq: number): SessionState {
  const head = Math.max(state.head, seq);
  const isShown = seq <= state.to;
  const next = { ...state, head };
  if (isShown) return { ...next, outbox: state.outbox.filter((item) => item.client_msg_id !== id) };
  return patchOutgoing(next, id, { state: "sent", seq, echo_seq: null, error: null });
}

function takeError(state: SessionState, frame: Extract<ServerFrame, { type: "error" }>): SessionState {
  const isAboutMessage = frame.re !== null && state.outbox.some((item) => item.client_msg_id === frame.re);
  if (!isAboutMessage || frame.re === null) {
    return { ...state, notice: { code: frame.error_code, message: frame.message } };
  }
  // What may work later stays pending: whoever sends will try again.
  if (frame.retryable) return patchOutgoing(state, frame.re, { error: frame.message });
  return patchOutgoing(state, frame.re, { state: "failed", echo_seq: null, error: frame.message });
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
      (item) =>
        item.state === "pending" && item.echo_seq === null && item.content.trim() === entry.message.content.trim(),
    );
    const item = outbox[at];
    if (item) outbox = outbox.with(at, { ...item, echo_seq: entry.seq });
  }
  return { ...state, outbox };
}

const withoutChange = (state: SessionState, id: string) => state.changes.filter((change) => change.id !== id);

function patchOutgoing(state: SessionState, id: string, patch: Partial<Outgoing>): SessionState {
  return { ...state, outbox: state.outbox.map((item) => (item.client_msg_id === id ? { ...item, ...patch } : item)) };
}

function withMember(members: SessionState["members"], member: Member): SessionState["members"] {
  return new Map(members).set(member.user_id, member);
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
