/** Sees to it that pushes come up for whoever is signed in here, and that a click on one leads there. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useMe } from "~/api/me";
import { useGo } from "~/inbox/go";
import { keep } from "./browser";
import { PUSH } from "./data";

export function PushKeeper() {
  const queries = useQueryClient();
  const go = useGo();
  // Only what pages have found out by themselves.
  const me = useMe({ enabled: false }).data;
  const who = me === undefined ? undefined : (me?.user_id ?? null);
  useEffect(() => {
    if (who === undefined) return;
    keep(who)
      .then(() => queries.invalidateQueries({ queryKey: PUSH }))
      .catch((error: unknown) => console.warn("push could not be kept:", error));
  }, [who, queries]);
  useEffect(() => {
    const heard = ({ data }: MessageEvent<unknown>) => {
      const path = isGo(data) ? data.path : null;
      if (path?.startsWith("/") && !path.startsWith("//")) go(path);
    };
    const worker = "serviceWorker" in navigator ? navigator.serviceWorker : null;
    worker?.addEventListener("message", heard);
    return () => worker?.removeEventListener("message", heard);
  }, [go]);
  return null;
}

function isGo(data: unknown): data is { type: "go"; path: string } {
  return typeof data === "object" && data !== null && "type" in data && data.type === "go" && "path" in data && typeof data.path === "string";
}
