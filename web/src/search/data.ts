/** What is searched for, and the pages of what was found. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "~/api/cosession";
import type { SearchHit } from "~/session/protocol";

/** A pause in typing after which is searched, in milliseconds. */
const PAUSE = 150;
const PAGE = 20;

export interface SearchPage {
  items: SearchHit[];
  next: number | null;
}

/** `sessionId` null: in every session of this person. Nothing is asked while no word stands there. */
export function useSearch(text: string, sessionId: string | null) {
  const words = useSettled(text.trim());
  const found = useInfiniteQuery({
    queryKey: ["search", sessionId, words],
    queryFn: ({ pageParam, signal }) => api.search(sessionId, words, pageParam, PAGE, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page: SearchPage) => page.next,
    enabled: words !== "",
    staleTime: 5_000,
    placeholderData: (before) => (words === "" ? undefined : before),
  });
  const hits = words === "" ? [] : (found.data?.pages.flatMap((page) => page.items) ?? []);
  return { ...found, words, hits };
}

function useSettled(text: string): string {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const id = setTimeout(() => settle(text), text === "" ? 0 : PAUSE);
    return () => clearTimeout(id);
  }, [text]);
  return settled;
}
