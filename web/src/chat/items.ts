/** Messages to what the list draws: grouped by author, with a heading between days, my unsent ones at the end. Pure. */
import type { Message, Outgoing } from "~/session/state";

/** A pause longer than this starts a new group, in milliseconds. */
const PAUSE = 5 * 60_000;

export interface ChatItem {
  key: string;
  userId: string;
  username: string;
  content: string;
  at: string;
  source: Message["source"];
  isMine: boolean;
  /** The first of its group carries the name and the time. */
  isFirst: boolean;
  /** Set when a new day begins here: any time of that day. */
  day: string | null;
  sessionOnly: boolean;
  /** What this answers. Without `content`, it lies further back than what is loaded. */
  parent: { key: string; username: string; content: string | null } | null;
  outgoing: Outgoing | null;
}

export function chatItems(
  messages: readonly Message[],
  outbox: readonly Outgoing[],
  me: { user_id: string; username: string },
): ChatItem[] {
  const items: ChatItem[] = [];
  const byId = new Map(messages.map((message) => [message.id, message]));
  const parentOf = (id: string | null): ChatItem["parent"] => {
    if (id === null) return null;
    const parent = byId.get(id);
    return parent
      ? { key: id, username: parent.username, content: oneLine(parent.content) }
      : { key: id, username: "", content: null };
  };
  const add = (item: Omit<ChatItem, "isFirst" | "day" | "isMine">) => {
    const last = items.at(-1);
    const day = !last || new Date(last.at).toDateString() !== new Date(item.at).toDateString() ? item.at : null;
    const isFirst =
      day !== null ||
      !last ||
      last.userId !== item.userId ||
      last.source !== item.source ||
      last.sessionOnly !== item.sessionOnly ||
      Date.parse(item.at) - Date.parse(last.at) > PAUSE;
    items.push({ ...item, isFirst, day, isMine: item.userId === me.user_id });
  };
  for (const message of messages) {
    add({
      key: message.id,
      userId: message.user_id,
      username: message.username,
      content: message.content,
      at: message.timestamp,
      source: message.source,
      sessionOnly: message.session_only,
      parent: parentOf(message.parent_id),
      outgoing: null,
    });
  }
  for (const outgoing of outbox) {
    if (outgoing.echo_seq !== null) continue;
    add({
      key: outgoing.client_msg_id,
      userId: me.user_id,
      username: me.username,
      content: outgoing.content,
      at: outgoing.written_at,
      source: "web",
      sessionOnly: outgoing.session_only,
      parent: parentOf(outgoing.parent_id),
      outgoing,
    });
  }
  return items;
}

/** The beginning of a text, as one line. */
export function oneLine(text: string): string {
  return text.replace(/```\S*/g, "").replace(/\s+/g, " ").trim().slice(0, 160);
}
