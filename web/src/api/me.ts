/** Who is signed in here. */
import { useQuery } from "@tanstack/react-query";
import { api, type Me, type WayIn } from "./cosession";
import { writeDatesIn } from "~/lib/format";
import { ApiError } from "./http";

/** Null: nobody is signed in. */
export function useMe({ enabled = true } = {}) {
  return useQuery<Me | null>({
    queryKey: ["me"],
    staleTime: 60_000,
    enabled,
    queryFn: async ({ signal }) => {
      try {
        const me = await api.me(signal);
        writeDatesIn(me.language ?? "");
        return me;
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
  });
}

/** How people may come in here, besides by links. It does not change while a page is open. */
export function useWaysIn() {
  return useQuery<WayIn[]>({
    queryKey: ["ways in"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => (await api.waysIn(signal)).ways,
  });
}
