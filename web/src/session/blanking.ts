/**
 * What a deletion, or the erasing of a person, does to the entries held here: text and name go from each of them exactly
 * as they go from the server's log, so that both still agree byte by byte. Pure.
 */
import type { LogEntry } from "./protocol";

/** What somebody is called whose data was erased. */
export const NOBODY = "Erased person";

/** `known` with the ids of texts and people whose deletion is among `entries`. The same set where there are none. */
export function withDeletions(known: ReadonlySet<string>, entries: readonly LogEntry[]): ReadonlySet<string> {
  let ids = known as Set<string>;
  for (const entry of entries) {
    const id = deletedId(entry);
    if (id === null || ids.has(id)) continue;
    if (ids === known) ids = new Set(known);
    ids.add(id);
  }
  return ids;
}

function deletedId(entry: LogEntry): string | null {
  switch (entry.type) {
    case "message_deleted":
      return entry.message_id;
    case "comment_deleted":
      return entry.comment_id;
    case "person_erased":
      return entry.user_id;
    default:
      return null;
  }
}

/** `value` without the names of these people, wherever it tells of one by id and name. The same where it tells of none. */
export function nameless<T>(value: T, erased: ReadonlySet<string>): T {
  if (Array.isArray(value)) {
    const items = value.map((item) => nameless(item, erased));
    return items.every((item, at) => item === value[at]) ? value : (items as T);
  }
  if (value === null || typeof value !== "object") return value;
  const fields = value as Record<string, unknown>;
  const next: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) next[name] = nameless(field, erased);
  if (erased.has(fields.user_id as string) && "username" in fields) next.username = NOBODY;
  return Object.keys(next).every((name) => next[name] === fields[name]) ? value : (next as T);
}

/** People among the ids of what was deleted. */
export function erasedAmong(deleted: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...deleted].filter((id) => id.startsWith("usr_")));
}

export function blanked(entry: LogEntry, deleted: ReadonlySet<string>): LogEntry {
  switch (entry.type) {
    case "chat_message": {
      if (!deleted.has(entry.message.id)) return entry;
      const blank = { content: "", mentions: [], mentions_here: false, code_ref: null };
      const { files: _, ...message } = entry.message;
      return { ...entry, message: { ...message, ...blank } };
    }
    case "message_edited":
      return deleted.has(entry.message_id) ? { ...entry, content: "", mentions: [], mentions_here: false } : entry;
    case "code_comment":
      if (!deleted.has(entry.comment.id)) return entry;
      return { ...entry, comment: { ...entry.comment, content: "", mentions: [] } };
    case "comment_edited":
      return deleted.has(entry.comment_id) ? { ...entry, content: "", mentions: [] } : entry;
    case "prompt_submitted":
      return entry.text !== "" && entry.actor_id && deleted.has(entry.actor_id) ? { ...entry, text: "" } : entry;
    default:
      return entry;
  }
}

/** The same list where nothing of it was deleted. */
export function blankedAll(entries: readonly LogEntry[], deleted: ReadonlySet<string>): readonly LogEntry[] {
  if (deleted.size === 0) return entries;
  const erased = erasedAmong(deleted);
  const next = entries.map((entry) => {
    const rest = blanked(entry, deleted);
    return erased.size === 0 ? rest : nameless(rest, erased);
  });
  return next.every((entry, at) => entry === entries[at]) ? entries : next;
}
