/** What happened, in one session or in all that this person may see, page by page. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { request } from "~/api/http";

export type FeedKind =
  | "session"
  | "people"
  | "invite"
  | "comment"
  | "mention"
  | "agent"
  | "error"
  | "file"
  | "approval"
  | "thread";

export interface FeedItem {
  id: number;
  session_id: string;
  session_title: string;
  seq: number;
  kind: FeedKind;
  what: string;
  at: string;
  user: { user_id: string; username: string; color: number } | null;
  target: string;
  text: string;
  is_gone: boolean;
}

interface FeedPage {
  items: FeedItem[];
  next: number | null;
}

/** `sessionId` null: in every session. `kinds` empty: of every kind. */
export function useFeed(sessionId: string | null, kinds: readonly FeedKind[]) {
  const found = useInfiniteQuery({
    queryKey: ["feed", sessionId, kinds],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: "40", kinds: kinds.join(",") });
      if (pageParam !== null) query.set("before", String(pageParam));
      const path = sessionId === null ? "/api/feed" : `/api/sessions/${encodeURIComponent(sessionId)}/feed`;
      return request<FeedPage>("GET", `${path}?${query}`, undefined, signal);
    },
    initialPageParam: null as number | null,
    getNextPageParam: (last: FeedPage) => last.next,
    placeholderData: (before) => before,
    // The stream says when there is more; this is for when it cannot.
    refetchInterval: 30_000,
  });
  return { ...found, items: found.data?.pages.flatMap((page) => page.items) };
}
