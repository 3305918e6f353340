/** Leads to a moment of a session, also where that session is open already. */
import { useCallback } from "react";
import { useLocation } from "wouter";

export function useGo(): (path: string) => void {
  const [, navigate] = useLocation();
  return useCallback(
    (path: string) => {
      const [page, hash] = path.split("#");
      if (hash !== undefined && page === location.pathname) location.hash = hash;
      else navigate(path);
    },
    [navigate],
  );
}
