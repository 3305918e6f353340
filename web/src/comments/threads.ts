/** Threads of comments as a person sees them: what the server said, with what is on its way from this page. Pure. */
import type { CommentThread, CommentView, Person } from "~/session/protocol";

interface WishBase {
  /** Its `client_msg_id`. */
  id: string;
  state: "pending" | "failed";
  error: string | null;
  /** Where the server stored it, once it says so. */
  seq: number | null;
  written_at: string;
}

/** The first comment of a thread (`thread_id` null) or a reply. */
export interface AddWish extends WishBase {
  kind: "add";
  thread_id: string | null;
  file: string;
  line: number;
  end_line: number;
  version: string | null;
  code_snippet: string;
  content: string;
  mentions: string[];
}

export interface ChangeWish extends WishBase {
  kind: "edit" | "delete";
  comment_id: string;
  content: string;
  mentions: string[];
}

export interface SettleWish extends WishBase {
  kind: "resolve" | "reopen";
  thread_id: string;
}

export type CommentWish = AddWish | ChangeWish | SettleWish;

export interface ShownComment extends CommentView {
  /** Not confirmed yet, or refused. */
  wish: CommentWish | null;
}

export interface ShownThread extends Omit<CommentThread, "comments"> {
  comments: ShownComment[];
  /** Resolving or reopening it is on its way. */
  wish: SettleWish | null;
  /** No server knows this thread yet. */
  isNew: boolean;
}

/** The file as it is shown, to which new threads belong; null for a list of all. */
export interface Shown {
  file: string;
  version: string | null;
}

export function withWishes(
  threads: readonly CommentThread[],
  wishes: readonly CommentWish[],
  me: Person | null,
  shown: Shown | null,
): ShownThread[] {
  const known: ShownThread[] = threads.map((thread) => ({
    ...thread,
    comments: thread.comments.map((comment) => ({ ...comment, wish: null })),
    wish: null,
    isNew: false,
  }));
  for (const wish of wishes) if (!isStored(wish, threads)) apply(known, wish, me, shown);
  return known;
}

/** What the server's answer holds already is not added to it. */
function isStored({ seq }: CommentWish, threads: readonly CommentThread[]): boolean {
  if (seq === null) return false;
  return threads.some(
    (thread) => thread.updated_seq >= seq || thread.comments.some((comment) => comment.updated_seq >= seq),
  );
}

function apply(threads: ShownThread[], wish: CommentWish, me: Person | null, shown: Shown | null): void {
  if (wish.kind === "add") {
    add(threads, wish, me, shown);
    return;
  }
  if (!("comment_id" in wish)) {
    const thread = threads.find((one) => one.id === wish.thread_id);
    if (!thread) return;
    thread.wish = wish;
    if (wish.state === "pending") thread.is_resolved = wish.kind === "resolve";
    return;
  }
  for (const thread of threads) {
    const comment = thread.comments.find((one) => one.id === wish.comment_id);
    if (!comment) continue;
    comment.wish = wish;
    if (wish.state === "failed") continue;
    if (wish.kind === "edit") comment.content = wish.content;
    else Object.assign(comment, { content: "", is_deleted: true });
  }
}

function add(threads: ShownThread[], wish: AddWish, me: Person | null, shown: Shown | null): void {
  const comment: ShownComment = {
    id: wish.id,
    thread_id: wish.thread_id ?? wish.id,
    user_id: me?.user_id ?? "",
    username: me?.username ?? "You",
    file: wish.file,
    line: wish.line,
    end_line: wish.end_line,
    version: wish.version,
    code_snippet: wish.code_snippet,
    before: "",
    after: "",
    content: wish.content,
    mentions: wish.mentions,
    source: "web",
    timestamp: wish.written_at,
    seq: wish.seq ?? Number.MAX_SAFE_INTEGER,
    updated_seq: wish.seq ?? 0,
    edited_at: null,
    is_deleted: false,
    wish,
  };
  if (wish.thread_id !== null) {
    threads.find((thread) => thread.id === wish.thread_id)?.comments.push(comment);
    return;
  }
  if (shown && (shown.file !== wish.file || shown.version !== wish.version)) return;
  const { file, version, line, end_line } = wish;
  threads.push({
    id: wish.id,
    is_resolved: false,
    resolved_by: null,
    updated_seq: 0,
    comments: [comment],
    place: { status: "exact", file, version, line, end_line, confidence: 1 },
    wish: null,
    isNew: true,
  });
}

// ── Where they stand ──────────────────────────────────────────────────────────────────────────────────────────────

/** Whether it has lines in the version at hand. */
export const hasLines = ({ place }: Pick<ShownThread, "place">): boolean =>
  place.line !== null && (place.status === "exact" || place.status === "moved");

/** "line 42", "lines 42 to 48". */
export function lineWords(from: number, to: number | null): string {
  return to === null || to <= from ? `line ${from}` : `lines ${from} to ${to}`;
}

/** What is to be said of a place that is not where the comment was made; null where there is nothing to say. */
export function placeWords({ place, comments }: Pick<ShownThread, "place" | "comments">): string | null {
  const [first] = comments;
  if (!first) return null;
  const was = lineWords(first.line, first.end_line);
  if (place.status === "gone") return `The file is gone; it was on ${was} of ${first.file}`;
  if (place.status === "outdated") return `${was} changed since`;
  if (place.line === first.line && place.file === first.file) return null;
  const moved = `moved from ${place.file === first.file ? was : `${first.file}, ${was}`}`;
  return place.status === "moved" ? `${moved}, found by its text (${Math.round(place.confidence * 100)} %)` : moved;
}

export type Filter = "open" | "resolved" | "outdated";

export function ofKind(threads: readonly ShownThread[], filter: Filter): ShownThread[] {
  return threads.filter((thread) => {
    if (filter === "outdated") return !hasLines(thread);
    return thread.is_resolved === (filter === "resolved");
  });
}

/** Open threads by the file in which they stand now. */
export function openByFile(threads: readonly ShownThread[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thread of threads) {
    if (!thread.is_resolved) counts.set(thread.place.file, (counts.get(thread.place.file) ?? 0) + 1);
  }
  return counts;
}
