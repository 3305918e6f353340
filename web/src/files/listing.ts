/** The list of files as the server gave it, brought up to date by what the log has told since. Pure. */
import type { FileView } from "~/session/protocol";
import type { SharedFile } from "~/session/state";

/** New objects only for files that changed. Sorted by path, as the server sorts. */
export function upToDate(list: readonly FileView[], told: ReadonlyMap<string, SharedFile>): FileView[] {
  const files = new Map(list.map((file) => [file.path, file]));
  const news = [...told.values()].sort((a, b) => a.seq - b.seq);
  for (const entry of news) {
    const old = entry.old_path ? files.get(entry.old_path) : undefined;
    const known = files.get(entry.path) ?? old;
    if (known && known.seq >= entry.seq) continue;
    if (entry.old_path && old && old.seq < entry.seq) files.delete(entry.old_path);
    files.set(entry.path, changed(known, entry));
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

/** The last entry that the log told of and the list does not hold yet; 0 when it holds all. */
export function newsFor(list: readonly FileView[], told: ReadonlyMap<string, SharedFile>): number {
  const held = new Map(list.map((file) => [file.path, file.seq]));
  const renamed = new Set([...told.values()].map((entry) => entry.old_path));
  let last = 0;
  for (const { path, seq } of told.values()) {
    // A name that a file has left behind stands in no list.
    const isLeft = renamed.has(path) && !held.has(path);
    if (!isLeft && (held.get(path) ?? 0) < seq) last = Math.max(last, seq);
  }
  return last;
}

function changed(known: FileView | undefined, entry: SharedFile): FileView {
  const { path, version, size, lines, is_binary, reason, seq } = entry;
  const now = { path, version, size, lines, is_binary, reason, seq, changed_at: entry.at };
  if (!known) {
    return { ...now, base_version: null, change: entry.change, old_path: entry.old_path, version_count: 1 };
  }
  return {
    ...known,
    ...now,
    old_path: entry.old_path ?? known.old_path,
    change: changeSince(known, entry),
    version_count: known.version_count + 1,
  };
}

function changeSince(known: FileView, entry: SharedFile): FileView["change"] {
  if (entry.change === "deleted") return "deleted";
  if (known.base_version === null && known.change !== "unchanged") return "added";
  if (entry.change === "renamed" || known.change === "renamed") return "renamed";
  return entry.version !== null && entry.version === known.base_version ? "unchanged" : "modified";
}
