/** Where somebody is, in words. Pure. */
import { fileName } from "~/lib/format";
import type { PersonPresence, PresenceStatus } from "~/session/protocol";

export const statusWords: Record<PresenceStatus, string> = { active: "active", idle: "idle", away: "away" };

export function whereabouts({ cursor, viewport, status }: PersonPresence): string {
  if (status === "away") return "away";
  const place = cursor
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
