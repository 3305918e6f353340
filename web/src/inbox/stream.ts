/** Hears from the server that the inbox, or the feed, is another now, while somebody can see this page. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { usePageShown } from "~/lib/hooks";
import { ITEMS, UNREAD } from "./data";

/** Milliseconds after which a stream that was refused is tried again. */
const AGAIN = 10_000;

/** False while nothing would be heard. A page in the background holds no connection; it looks when it is seen again. */
export function useInboxStream(hearsFeed = false): boolean {
  const queries = useQueryClient();
  const isShown = usePageShown();
  const [isLive, setLive] = useState(true);
  useEffect(() => {
    if (!isShown) return;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(`/api/inbox/stream${hearsFeed ? "?feed=true" : ""}`);
      source.addEventListener("open", () => {
        setLive(true);
        // What was missed while nothing was heard.
        if (hearsFeed) void queries.invalidateQueries({ queryKey: ["feed"] });
      });
      source.addEventListener("error", () => {
        setLive(false);
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN);
      });
      source.addEventListener("message", ({ data }: MessageEvent<string>) => {
        const told = JSON.parse(data) as { type: "inbox"; unread: number } | { type: "feed" };
        if (told.type === "inbox") {
          queries.setQueryData(UNREAD, told.unread);
          void queries.invalidateQueries({ queryKey: ITEMS });
        } else {
          void queries.invalidateQueries({ queryKey: ["feed"] });
        }
      });
    };
    open();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [queries, isShown, hearsFeed]);
  return isLive;
}
