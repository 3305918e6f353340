/**
 * What a deletion does to the entries held here: the text goes from each of them exactly as it goes from the server's
 * log, so that both still agree byte by byte. Pure.
 */
import type { LogEntry } from "./protocol";

/** `known` with the ids whose deletion is among `entries`. The same set where there are none. */
export function withDeletions(known: ReadonlySet<string>, entries: readonly LogEntry[]): ReadonlySet<string> {
  let ids = known as Set<string>;
  for (const entry of entries) {
    const id =
      entry.type === "message_deleted" ? entry.message_id : entry.type === "comment_deleted" ? entry.comment_id : null;
    if (id === null || ids.has(id)) continue;
    if (ids === known) ids = new Set(known);
    ids.add(id);
  }
  return ids;
}

export function blanked(entry: LogEntry, deleted: ReadonlySet<string>): LogEntry {
  switch (entry.type) {
    case "chat_message": {
      if (!deleted.has(entry.message.id)) return entry;
      const blank = { content: "", mentions: [], mentions_here: false, code_ref: null };
      return { ...entry, message: { ...entry.message, ...blank } };
    }
    case "message_edited":
      return deleted.has(entry.message_id) ? { ...entry, content: "", mentions: [], mentions_here: false } : entry;
    case "code_comment":
      if (!deleted.has(entry.comment.id)) return entry;
      return { ...entry, comment: { ...entry.comment, content: "", mentions: [] } };
    case "comment_edited":
      return deleted.has(entry.comment_id) ? { ...entry, content: "", mentions: [] } : entry;
    default:
      return entry;
  }
}

/** The same list where nothing of it was deleted. */
export function blankedAll(entries: readonly LogEntry[], deleted: ReadonlySet<string>): readonly LogEntry[] {
  if (deleted.size === 0) return entries;
  const next = entries.map((entry) => blanked(entry, deleted));
  return next.every((entry, at) => entry === entries[at]) ? entries : next;
}
