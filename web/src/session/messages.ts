/** What happens to a message after it was said. Pure: what goes in is never changed. */
import type { ChatMessage, LogEntry, Reaction } from "./protocol";
import type { Change, Message } from "./state";

/** An entry that changes a message which was there before. */
export type MessageChange = Extract<
  LogEntry,
  { type: "message_edited" | "message_deleted" | "reaction_added" | "reaction_removed" }
>;

export function isMessageChange(entry: LogEntry): entry is MessageChange {
  switch (entry.type) {
    case "message_edited":
    case "message_deleted":
    case "reaction_added":
    case "reaction_removed":
      return true;
    default:
      return false;
  }
}

export function newMessage(message: ChatMessage, seq: number): Message {
  return { ...message, seq, updated_seq: seq, edited_at: null, is_deleted: false, reactions: [] };
}

/** `message` after `entry`; what it went through already changes nothing. */
export function changed(message: Message, entry: MessageChange): Message {
  if (entry.message_id !== message.id || entry.seq <= message.updated_seq) return message;
  const next = { ...message, updated_seq: entry.seq };
  switch (entry.type) {
    case "message_edited": {
      const { content, mentions, mentions_here } = entry;
      return message.is_deleted ? next : { ...next, content, mentions, mentions_here, edited_at: entry.at };
    }
    case "message_deleted":
      return withoutText(next);
    case "reaction_added":
      return { ...next, reactions: withReaction(message.reactions, entry.emoji, entry.user_id) };
    case "reaction_removed":
      return { ...next, reactions: withoutReaction(message.reactions, entry.emoji, entry.user_id) };
  }
}

/** `messages` after `entries`, in order. The same list where none of them was changed. */
export function changedAll(messages: readonly Message[], entries: readonly LogEntry[]): readonly Message[] {
  const changes = new Map<string, MessageChange[]>();
  for (const entry of entries) {
    if (isMessageChange(entry)) changes.set(entry.message_id, [...(changes.get(entry.message_id) ?? []), entry]);
  }
  if (changes.size === 0 || !messages.some((message) => changes.has(message.id))) return messages;
  return messages.map((message) => (changes.get(message.id) ?? []).reduce(changed, message));
}

/** `message` as it will be once the log says so. */
export function asWanted(message: Message, change: Change, myId: string): Message {
  switch (change.kind) {
    case "edit":
      return { ...message, content: change.content, mentions: change.mentions, edited_at: message.edited_at ?? "" };
    case "delete":
      return withoutText(message);
    case "react":
      return { ...message, reactions: withReaction(message.reactions, change.emoji, myId) };
    case "unreact":
      return { ...message, reactions: withoutReaction(message.reactions, change.emoji, myId) };
  }
}

export function withWanted(messages: readonly Message[], changes: readonly Change[], myId: string): readonly Message[] {
  if (changes.length === 0) return messages;
  const ids = new Set(changes.map((change) => change.message_id));
  return messages.map((message) => {
    if (!ids.has(message.id) || message.is_deleted) return message;
    return changes.reduce((one, change) => (change.message_id === one.id ? asWanted(one, change, myId) : one), message);
  });
}

function withoutText(message: Message): Message {
  return {
    ...message,
    content: "",
    files: [],
    mentions: [],
    mentions_here: false,
    code_ref: null,
    is_deleted: true,
    reactions: [],
  };
}

/** People stand in the order in which they reacted, and so do the emoji. */
function withReaction(reactions: readonly Reaction[], emoji: string, userId: string): Reaction[] {
  const there = reactions.find((reaction) => reaction.emoji === emoji);
  if (!there) return [...reactions, { emoji, user_ids: [userId] }];
  if (there.user_ids.includes(userId)) return reactions as Reaction[];
  return reactions.map((one) => (one === there ? { ...one, user_ids: [...one.user_ids, userId] } : one));
}

function withoutReaction(reactions: readonly Reaction[], emoji: string, userId: string): Reaction[] {
  return reactions
    .map((one) => (one.emoji === emoji ? { ...one, user_ids: one.user_ids.filter((id) => id !== userId) } : one))
    .filter((one) => one.user_ids.length > 0);
}
