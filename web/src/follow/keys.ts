/** The keys of following: F begins and ends it, Escape ends it. */
import { useCallback, useEffect } from "react";
import { say } from "~/lib/toast";
import { inOrder } from "~/people/order";
import { useClient } from "~/session/context";
import { nextToFollow } from "./chain";
import { useFollower } from "./context";

/** What F does: ends following, or follows whoever was followed last, else the first who is shown. */
export function useFollowKey(): () => void {
  const follower = useFollower();
  const client = useClient();
  return useCallback(() => {
    const { leaderId, lastId } = follower.store.getState();
    if (leaderId !== null) {
      follower.stop();
      return;
    }
    const { presence, you } = client.store.getState().session;
    const others = inOrder(presence.values(), you?.user_id ?? null).filter((person) => person.user_id !== you?.user_id);
    const person = nextToFollow(others, lastId);
    if (person) follower.follow(person.user_id);
    else say("Nobody else is here to follow.");
  }, [follower, client]);
}

export function useEscapeStops(): void {
  const follower = useFollower();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      // There it closes what is open, and nothing else.
      if ((event.target as HTMLElement | null)?.closest("dialog, [role=menu], [role=dialog], [role=listbox]")) return;
      follower.stop();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [follower]);
}
