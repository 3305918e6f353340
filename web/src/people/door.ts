/** The ways into a session and who waits at its door, as the server lists them; asked again when the log tells of any. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api } from "~/api/cosession";
import { useSession } from "~/session/context";

/** Entries after which the list is another one. */
const kinds = new Set([
  "invite_created",
  "invite_accepted",
  "invite_declined",
  "invite_revoked",
  "invite_expired",
  "knocked",
  "knock_answered",
  "participant_removed",
  "role_changed",
]);

export const doorKey = (sessionId: string) => ["door", sessionId] as const;

/** `mayInvite`: the others are not told. */
export function useDoor(sessionId: string, mayInvite: boolean) {
  return useQuery({
    queryKey: doorKey(sessionId),
    queryFn: ({ signal }) => api.invites(sessionId, signal),
    enabled: mayInvite && sessionId !== "",
  });
}

/** Asks again whenever the log tells of somebody at the door. Stands once in a session. */
export function useDoorNews(sessionId: string): void {
  const entries = useSession((state) => state.entries);
  const queries = useQueryClient();
  const heard = useRef<number | null>(null);
  useEffect(() => {
    const since = heard.current;
    const last = entries.at(-1)?.seq ?? 0;
    heard.current = Math.max(since ?? 0, last);
    if (since === null) return;
    for (let at = entries.length - 1; at >= 0; at -= 1) {
      const entry = entries[at];
      if (!entry || entry.seq <= since) return;
      if (kinds.has(entry.type)) {
        void queries.invalidateQueries({ queryKey: doorKey(sessionId) });
        return;
      }
    }
  }, [entries, sessionId, queries]);
}
