/**
 * `(state, input) → state`, pure: frames of the socket, pages of history and what happens on this page go in, in any
 * order and any number of times; the same log always comes out as the same view.
 */
import { takeEntries, withMember, without } from "./entries";
import { changedAll } from "./messages";
import { type Incoming, isEntry, type LogEntry, type ServerFrame } from "./protocol";
import { markedAs, readingOf, withNew } from "./reading";
import { type Change, emptyState, type Message, type Outgoing, type SessionState } from "./state";

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
    case "thread_update":
      return { ...state, thread: input.thread };
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
    thread: null,
    threadNews: state.threadNews + 1,
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

const withoutChange = (state: SessionState, id: string) => state.changes.filter((change) => change.id !== id);

function patchOutgoing(state: SessionState, id: string, patch: Partial<Outgoing>): SessionState {
  return { ...state, outbox: state.outbox.map((item) => (item.client_msg_id === id ? { ...item, ...patch } : item)) };
}

