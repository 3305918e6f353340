/** Tells this person, wherever in the session they are, when somebody answers their comment or calls them on a line. */
import { useEffect, useRef } from "react";
import { fileName } from "~/lib/format";
import { say } from "~/lib/toast";
import { useSession } from "~/session/context";
import type { LogEntry } from "~/session/protocol";

export function CommentNews() {
  const entries = useSession((state) => state.entries);
  const to = useSession((state) => state.to);
  const isLoaded = useSession((state) => state.isLoaded);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const heard = useRef<number | null>(null);

  useEffect(() => {
    if (!isLoaded || myId === null) return;
    const since = heard.current;
    heard.current = to;
    if (since === null) return;
    const news = entries.filter((entry) => entry.seq > since).map((entry) => newsOf(entry, myId));
    const last = news.findLast((text) => text !== null);
    if (last) say(last);
  }, [entries, to, isLoaded, myId]);
  return null;
}

/** What an entry tells `myId` of comments; null for what is not theirs to be told. */
export function newsOf(entry: LogEntry, myId: string): string | null {
  if (entry.type !== "code_comment") return null;
  const { comment } = entry;
  if (comment.user_id === myId || !comment.mentions.includes(myId)) return null;
  const place = `${fileName(comment.file)}:${comment.line}`;
  const deed = comment.thread_id === comment.id ? "mentioned you" : "answered in your thread";
  return `${comment.username} ${deed} on ${place}`;
}
