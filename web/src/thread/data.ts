/** How the session's thread outside stands: asked once, told of each change, asked again when the log tells of one. */
import { useQuery } from "@tanstack/react-query";
import { api } from "~/api/cosession";
import { useSession } from "~/session/context";
import type { ThreadState } from "~/session/protocol";

export const threadKey = (sessionId: string) => ["thread", sessionId] as const;

/** The thread as it was told last, and the channels that a host may resume it in. */
export function useThread() {
  const sessionId = useSession((state) => state.session?.id ?? "");
  const told = useSession((state) => state.thread);
  const role = useSession((state) => state.role);
  const news = useSession((state) => state.threadNews);
  const asked = useQuery({
    queryKey: [...threadKey(sessionId), news, role],
    queryFn: ({ signal }) => api.mirror(sessionId, signal),
    enabled: sessionId !== "",
    placeholderData: (before) => before,
  });
  // Whatever is told was read after the last reason to ask.
  return { thread: told ?? asked.data?.thread ?? null, channels: asked.data?.channels ?? [], ask: asked.refetch };
}

/** Shorter than this it is on its way, and nobody is told. */
export const LATE_S = 10;

export type Standing = "none" | "opening" | "linked" | "late" | "held" | "muted" | "paused";

/** What there is to be said of a thread, the weightiest alone. */
export function standingOf(thread: ThreadState | null): Standing {
  if (!thread || thread.status === "closed") return "none";
  if (thread.status === "paused") return "paused";
  if (thread.reason) return "held";
  if (thread.is_muted) return "muted";
  if (thread.behind_s > LATE_S) return "late";
  return thread.status === "opening" ? "opening" : "linked";
}

/** "40 s", "3 min", "2 h". */
export function lag(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}
