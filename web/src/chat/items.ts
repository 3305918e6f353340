/**
 * Messages to what the list draws: grouped by author, with a heading between days, replies folded under what they
 * answer, a line where the news begins, and my unsent ones at the end. Pure.
 */
import type { MessageFile } from "~/protocol.gen";
import type { Message, Outgoing } from "~/session/state";

/** A pause longer than this starts a new group, in milliseconds. */
const PAUSE = 5 * 60_000;

/** The replies under a message. */
export interface ThreadSummary {
  count: number;
  lastAt: string;
  /** Who replied, the latest last; three at most. */
  userIds: string[];
  /** Replies of others that nobody has looked at here. */
  newCount: number;
}

export interface ChatItem {
  key: string;
  userId: string;
  username: string;
  content: string;
  files: readonly MessageFile[];
  at: string;
  source: Message["source"];
  isMine: boolean;
  /** The first of its group carries the name and the time. */
  isFirst: boolean;
  /** Set when a new day begins here: any time of that day. */
  day: string | null;
  /** The first that is new to this person. */
  isNews: boolean;
  sessionOnly: boolean;
  /** Null for what the log does not show yet, and where only the replies are held. */
  message: Message | null;
  thread: ThreadSummary | null;
  outgoing: Outgoing | null;
}

export interface Newness {
  /** The line stands before the first message of others after this entry; null: there is no line. */
  newsAfter: number | null;
  /** Replies up to this entry were there before this person came, */
  repliesAfter: number;
  /** or were seen since, by thread. */
  seenReplies: ReadonlyMap<string, number>;
}

const nothingNew: Newness = { newsAfter: null, repliesAfter: Number.POSITIVE_INFINITY, seenReplies: new Map() };

/** The main list. Of a thread whose first message lies further back, the replies stand where the first of them does. */
export function chatItems(
  messages: readonly Message[],
  outbox: readonly Outgoing[],
  me: { user_id: string; username: string },
  newness: Newness = nothingNew,
): ChatItem[] {
  const list = new Items(me, newness.newsAfter);
  const held = new Set(messages.map((message) => message.id));
  const replies = new Map<string, Message[]>();
  for (const message of messages) {
    if (message.parent_id === null) continue;
    const known = replies.get(message.parent_id);
    if (known) known.push(message);
    else replies.set(message.parent_id, [message]);
  }
  const summaryOf = (id: string) => summary(id, replies.get(id) ?? [], me.user_id, newness);
  const strays = new Set<string>();
  for (const message of messages) {
    const { parent_id: parentId } = message;
    if (parentId === null) list.say(message, summaryOf(message.id));
    else if (!held.has(parentId) && !strays.has(parentId)) {
      strays.add(parentId);
      list.stray(message, parentId, summaryOf(parentId));
    }
  }
  for (const outgoing of outbox) if (outgoing.parent_id === null) list.send(outgoing);
  return list.items;
}

/** What stands in a thread: its first message and every reply. */
export function threadItems(
  thread: readonly Message[],
  outbox: readonly Outgoing[],
  me: { user_id: string; username: string },
): ChatItem[] {
  const list = new Items(me, null);
  for (const message of thread) list.say(message, null);
  for (const outgoing of outbox) if (outgoing.parent_id === thread[0]?.id) list.send(outgoing);
  return list.items;
}

function summary(id: string, replies: readonly Message[], myId: string, newness: Newness): ThreadSummary | null {
  const standing = replies.filter((reply) => !reply.is_deleted);
  const last = standing.at(-1);
  if (!last) return null;
  const seen = Math.max(newness.repliesAfter, newness.seenReplies.get(id) ?? 0);
  return {
    count: standing.length,
    lastAt: last.timestamp,
    userIds: [...new Set(standing.map((reply) => reply.user_id).reverse())].slice(0, 3).reverse(),
    newCount: standing.filter((reply) => reply.seq > seen && reply.user_id !== myId).length,
  };
}

class Items {
  readonly items: ChatItem[] = [];
  private hasNews = false;

  constructor(
    private readonly me: { user_id: string; username: string },
    private readonly newsAfter: number | null,
  ) {}

  say(message: Message, thread: ThreadSummary | null): void {
    this.add({
      key: message.id,
      userId: message.user_id,
      username: message.username,
      content: message.content,
      files: message.files ?? [],
      at: message.timestamp,
      source: message.source,
      isNews: this.isFirstNews(message),
      sessionOnly: message.session_only,
      message,
      thread,
      outgoing: null,
    });
  }

  stray(reply: Message, rootId: string, thread: ThreadSummary | null): void {
    if (!thread) return;
    const { user_id: userId, username, timestamp: at, source, session_only: sessionOnly } = reply;
    const nobody = { content: "", files: [], message: null, outgoing: null, isNews: false };
    this.add({ key: rootId, userId, username, at, source, sessionOnly, thread, ...nobody });
  }

  send(outgoing: Outgoing): void {
    if (outgoing.echo_seq !== null) return;
    this.add({
      key: outgoing.client_msg_id,
      userId: this.me.user_id,
      username: this.me.username,
      content: outgoing.content,
      files: outgoing.files,
      at: outgoing.written_at,
      source: "web",
      isNews: false,
      sessionOnly: outgoing.session_only,
      message: null,
      thread: null,
      outgoing,
    });
  }

  private isFirstNews(message: Message): boolean {
    if (this.newsAfter === null || this.hasNews || message.is_deleted) return false;
    this.hasNews = message.seq > this.newsAfter && message.user_id !== this.me.user_id;
    return this.hasNews;
  }

  private add(item: Omit<ChatItem, "isFirst" | "day" | "isMine">): void {
    const last = this.items.at(-1);
    const day = !last || new Date(last.at).toDateString() !== new Date(item.at).toDateString() ? item.at : null;
    const isFirst =
      day !== null ||
      !last ||
      item.isNews ||
      last.userId !== item.userId ||
      last.source !== item.source ||
      last.sessionOnly !== item.sessionOnly ||
      last.thread !== null ||
      Date.parse(item.at) - Date.parse(last.at) > PAUSE;
    this.items.push({ ...item, isFirst, day, isMine: item.userId === this.me.user_id });
  }
}

/** The beginning of a text, as one line. */
export function oneLine(text: string): string {
  return text.replace(/```\S*/g, "").replace(/\s+/g, " ").trim().slice(0, 160);
}
