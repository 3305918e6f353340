/**
 * How much is new to this person: what the server counted as of one entry, and what came after it. Whoever changes or
 * deletes something may change the count in ways that only the server can tell, which is then asked. Pure.
 */
import type { Connected, LogEntry, ReadMarker } from "./protocol";
import type { Reading } from "./state";

export function readingOf(frame: Connected): Reading {
  const { unread_count: unread, mention_count: mentions } = frame.session;
  return { read_up_to: frame.read_up_to, seq: frame.seq, unread, mentions, isStale: false };
}

/** The marker's counts and what is held from after it. A marker from before the one that is known says nothing new. */
export function markedAs(known: Reading | null, frame: ReadMarker, held: readonly LogEntry[], myId: string): Reading {
  if (known && (frame.read_up_to < known.read_up_to || frame.seq < known.seq)) return known;
  const base = {
    read_up_to: frame.read_up_to,
    seq: frame.seq,
    unread: frame.unread_count,
    mentions: frame.mention_count,
    isStale: false,
  };
  let first = held.length;
  while (first > 0 && (held[first - 1]?.seq ?? 0) > frame.seq) first -= 1;
  return withNew(base, held.slice(first), myId);
}

/** `reading` with `entries` after it, which follow all that is held. */
export function withNew(reading: Reading, entries: readonly LogEntry[], myId: string): Reading {
  let { unread, mentions, isStale } = reading;
  for (const entry of entries) {
    if (entry.seq <= Math.max(reading.seq, reading.read_up_to)) continue;
    const said =
      entry.type === "chat_message" ? entry.message : entry.type === "code_comment" ? entry.comment : null;
    if (said && said.user_id !== myId) {
      unread += 1;
      // Whoever gets the entry live was here when everybody here was called.
      if (said.mentions.includes(myId) || ("mentions_here" in said && said.mentions_here)) mentions += 1;
    }
    if (mayRecount(entry, myId)) isStale = true;
  }
  const isSame = unread === reading.unread && mentions === reading.mentions && isStale === reading.isStale;
  return isSame ? reading : { ...reading, unread, mentions, isStale };
}

function mayRecount(entry: LogEntry, myId: string): boolean {
  switch (entry.type) {
    case "message_deleted":
    case "comment_deleted":
      return true;
    case "message_edited":
      return entry.actor_id !== myId && (entry.mentions_here || entry.mentions.includes(myId));
    case "comment_edited":
      return entry.actor_id !== myId && entry.mentions.includes(myId);
    default:
      return false;
  }
}
