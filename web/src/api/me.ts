/** Who is signed in here. */
import { useQuery } from "@tanstack/react-query";
import { api, type Me } from "./cosession";
import { ApiError } from "./http";

/** Null: nobody is signed in. */
export function useMe({ enabled = true } = {}) {
  return useQuery<Me | null>({
    queryKey: ["me"],
    staleTime: 60_000,
    enabled,
    queryFn: async ({ signal }) => {
      try {
        return await api.me(signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
  });
}
