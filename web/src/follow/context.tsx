/** Following, for every component of a session page. */
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useStore } from "zustand";
import { say } from "~/lib/toast";
import { useClient } from "~/session/context";
import { usePlaces } from "~/session/place";
import { Follower, type Following } from "./follower";

const FollowContext = createContext<Follower | null>(null);

export function FollowRoom({ children }: { children: ReactNode }) {
  const client = useClient();
  const places = usePlaces();
  const [follower] = useState(() => new Follower(client, places, say));
  useEffect(() => follower.start(), [follower]);
  return <FollowContext value={follower}>{children}</FollowContext>;
}

export function useFollower(): Follower {
  const follower = useContext(FollowContext);
  if (!follower) throw new Error("This component stands outside of a session.");
  return follower;
}

export function useFollowing<T>(select: (following: Following) => T): T {
  return useStore(useFollower().store, select);
}
