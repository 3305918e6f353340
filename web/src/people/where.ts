/** Where somebody is, in words. Pure. */
import { fileName } from "~/lib/format";
import type { PersonPresence, PresenceStatus } from "~/session/protocol";

export const statusWords: Record<PresenceStatus, string> = { active: "active", idle: "idle", away: "away" };

export function whereabouts({ cursor, viewport, status }: PersonPresence): string {
  if (status === "away") return "away";
  // A cursor stays where it was left; what is on the screen now counts.
  const isThere = cursor !== null && (viewport === null || viewport.file === cursor.file);
  const place = cursor && isThere
    ? `at ${fileName(cursor.file)}:${cursor.line}`
    : viewport?.file
      ? `looking at ${fileName(viewport.file)}${viewport.top_line ? `:${viewport.top_line}` : ""}`
      : viewport?.surface === "transcript"
        ? "reading the transcript"
        : viewport?.surface === "chat"
          ? "reading the chat"
          : "here";
  return status === "idle" ? `idle, ${place}` : place;
}

/** "follows Bob Tanaka"; null for whoever goes their own way. */
export function followWords(person: PersonPresence, presence: ReadonlyMap<string, PersonPresence>): string | null {
  const leader = person.following === null ? undefined : presence.get(person.following);
  return leader ? `follows ${leader.username}` : null;
}
