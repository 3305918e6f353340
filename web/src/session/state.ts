/** What a page knows of one session: plain, immutable data, made by `reduce` alone. */
import type {
  MessageFile,
  CodeComment,
  FileChanged,
  FileShared,
  Limits,
  LogEntry,
  MessageView,
  Person,
  PersonPresence,
  Role,
  SessionContext,
  SessionView,
  ThreadState,
  TokenTotals,
  ToolCallFinished,
  ToolCallStarted,
} from "./protocol";

interface RowBase {
  /** Stable while the row stands: the list keeps its place by it. */
  key: string;
  seq: number;
  at: string;
}

export interface PromptRow extends RowBase {
  kind: "prompt";
  text: string;
  author: string | null;
}

export interface TextRow extends RowBase {
  kind: "message" | "thought";
  text: string;
}

/** One call: its start, its end, or both. */
export interface ToolRow extends RowBase {
  kind: "tool";
  started: ToolCallStarted | null;
  finished: ToolCallFinished | null;
  /** The turn ended before the call did: no result is to be expected. */
  isOver: boolean;
}

export interface FileRow extends RowBase {
  kind: "file";
  change: FileChanged;
}

export interface FailureRow extends RowBase {
  kind: "failure";
  text: string;
}

export interface TurnStartRow extends RowBase {
  kind: "turn_start";
  agent: string;
  model: string | null;
}

export interface TurnEndRow extends RowBase {
  kind: "turn_end";
  status: "completed" | "failed" | "interrupted";
  durationMs: number | null;
  tokens: TokenTotals | null;
  calls: number;
  failedCalls: number;
}

/** A small line: somebody came, the session was renamed. `who` is a user id, resolved when it is shown. */
export interface NoteRow extends RowBase {
  kind: "note";
  icon: "join" | "leave" | "key" | "link" | "flag" | "edit" | "warning" | "unknown";
  who: string | null;
  text: string;
  href?: string;
}

/** The first comment of a thread on lines of a file. */
export interface CommentRow extends RowBase {
  kind: "comment";
  comment: CodeComment;
  isDeleted: boolean;
}

export type Row =
  | PromptRow
  | TextRow
  | ToolRow
  | FileRow
  | CommentRow
  | FailureRow
  | TurnStartRow
  | TurnEndRow
  | NoteRow;

/** As it stands after every entry up to `updated_seq`: later ones still apply. */
export type Message = Omit<MessageView, "reply_count" | "last_reply_at">;

/** The newest that the entries at hand tell of a shared file. */
export interface SharedFile extends FileShared {
  seq: number;
  at: string;
}

export interface Member extends Person {
  role: Role;
}

/** What the entries at hand add up to. */
export interface View {
  rows: readonly Row[];
  messages: readonly Message[];
  /** Calls without an end, by call id: the index of their row. */
  openCalls: ReadonlyMap<string, number>;
  turn: { id: string; startedAt: string; calls: number; failedCalls: number } | null;
  agent: string | null;
  model: string | null;
  tokens: TokenTotals | null;
  context: { used: number; limit: number | null } | null;
  files: ReadonlyMap<string, { added: number; removed: number }>;
  /** By path; files shared before the first entry at hand are not among them. */
  sharedFiles: ReadonlyMap<string, SharedFile>;
  /** The last entry about comments: whoever shows comments reads them anew then. */
  commentsSeq: number;
  failedCalls: number;
  /** Everybody the entries name, those who left included. */
  people: ReadonlyMap<string, Person>;
}

/** A message of ours that the log has not shown us yet. */
export interface Outgoing {
  client_msg_id: string;
  content: string;
  /** The server holds them already. */
  files: MessageFile[];
  mentions: string[];
  parent_id: string | null;
  session_only: boolean;
  /** RFC 3339, this machine's clock. */
  written_at: string;
  state: "pending" | "sent" | "failed";
  /** Where the server stored it, once it says so. */
  seq: number | null;
  /** An entry that looks like this message came before its ack: not shown twice meanwhile. */
  echo_seq: number | null;
  error: string | null;
}

/** What somebody wants to be so, shown before the log says that it is. */
export type Wanted =
  | { kind: "edit"; content: string; mentions: string[] }
  | { kind: "delete" }
  | { kind: "react" | "unreact"; emoji: string };

export type Change = Wanted & {
  id: string;
  message_id: string;
  /** Where the server stored it, once it says so. */
  seq: number | null;
};

/** How far this person has read, on all their devices, and what is new to them as of the entries at hand. */
export interface Reading {
  read_up_to: number;
  /** The server counted as of this entry; what came after it was counted here. */
  seq: number;
  unread: number;
  mentions: number;
  /** Something was changed or taken back that may have counted: only the server knows. */
  isStale: boolean;
}

export interface Typist {
  user_id: string;
  username: string;
}

export interface SessionState extends View {
  epoch: string | null;
  /** The entries held, dense, from `from` to `to`; none when `from` is `to + 1`. */
  entries: readonly LogEntry[];
  from: number;
  to: number;
  /** Entries that came too early: those before them are missing. */
  ahead: ReadonlyMap<number, LogEntry>;
  /** The newest seq that the server has spoken of. */
  head: number;
  /** True once the newest page of history is there. */
  isLoaded: boolean;
  session: SessionView | null;
  you: Person | null;
  role: Role | null;
  /** Chat from before `from`: it is read further back than the transcript, whose entries are many more. */
  olderMessages: readonly Message[];
  hasOlderMessages: boolean;
  /** Threads that were asked for by themselves, by the id of their first message, which comes first. */
  threads: ReadonlyMap<string, readonly Message[]>;
  /** Messages and comments whose deletion is at hand: no entry here keeps their text. */
  deleted: ReadonlySet<string>;
  changes: readonly Change[];
  reading: Reading | null;
  members: ReadonlyMap<string, Member>;
  presence: ReadonlyMap<string, PersonPresence>;
  typing: ReadonlyMap<string, Typist>;
  limits: Limits | null;
  /** How the agent is doing, as the server measures it. */
  health: SessionContext | null;
  /** How the thread outside stands, as the server told last; null until it has told since the last reason to ask. */
  thread: ThreadState | null;
  /** Counts the reasons to ask how it stands: a connection, an entry about it. */
  threadNews: number;
  /** A host's latest request to come along; `nonce` tells two of the same host apart. */
  summons: { by: Person; nonce: number } | null;
  outbox: readonly Outgoing[];
  /** The last refusal that belongs to no message. */
  notice: { code: string; message: string } | null;
}

export const emptyView: View = {
  rows: [],
  messages: [],
  openCalls: new Map(),
  turn: null,
  agent: null,
  model: null,
  tokens: null,
  context: null,
  files: new Map(),
  sharedFiles: new Map(),
  commentsSeq: 0,
  failedCalls: 0,
  people: new Map(),
};

export const emptyState: SessionState = {
  ...emptyView,
  epoch: null,
  entries: [],
  from: 1,
  to: 0,
  ahead: new Map(),
  head: 0,
  isLoaded: false,
  session: null,
  you: null,
  role: null,
  olderMessages: [],
  hasOlderMessages: false,
  threads: new Map(),
  deleted: new Set(),
  changes: [],
  reading: null,
  members: new Map(),
  presence: new Map(),
  typing: new Map(),
  limits: null,
  health: null,
  thread: null,
  threadNews: 0,
  summons: null,
  outbox: [],
  notice: null,
};
