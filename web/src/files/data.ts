/** Shared files, their versions and their contents, from the server; kept up to date by what the log tells. */
import { queryOptions, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api } from "~/api/cosession";
import type { FileVersion, FileView } from "~/session/protocol";
import { useClientState, useSession } from "~/session/context";
import { newsFor, upToDate } from "./listing";

/** A list is read anew this long after the log told of a change, so that a burst of them costs one reading. */
const SETTLE = 800;

export interface Files {
  items: readonly FileView[];
  isLoading: boolean;
  error: Error | null;
  retry: () => void;
}

/** Every shared file as it stands now. */
export function useFiles(id: string): Files {
  const queries = useQueryClient();
  const told = useSession((state) => state.sharedFiles);
  const isOnline = useClientState((state) => state.line.phase === "online");
  const list = useQuery({ queryKey: ["files", id], queryFn: ({ signal }) => api.files(id, signal), staleTime: 30_000 });
  const behind = useMemo(() => newsFor(list.data?.items ?? [], told), [list.data, told]);
  useEffect(() => {
    if (!isOnline || behind === 0 || list.isPending) return;
    const timer = setTimeout(() => void queries.invalidateQueries({ queryKey: ["files", id] }), SETTLE);
    return () => clearTimeout(timer);
  }, [queries, id, behind, isOnline, list.isPending]);
  const items = useMemo(() => upToDate(list.data?.items ?? [], told), [list.data, told]);
  return {
    items,
    isLoading: list.isPending,
    // What is known is shown, though the list could not be read again.
    error: list.data ? null : list.error,
    retry: () => void list.refetch(),
  };
}

/** The states of one file, the newest first. `seq` is its last change: another one asks again. */
export function useVersions(id: string, file: FileView | null) {
  return useQuery<FileVersion[]>({
    queryKey: ["versions", id, file?.path, file?.seq],
    enabled: file !== null,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before, query) => (query?.queryKey[2] === file?.path ? before : undefined),
    queryFn: async ({ signal }) =>
      (await api.fileVersions(id, file?.path ?? "", signal)).items.toReversed(),
  });
}

/** One content. It never changes, so it is read once. */
export const contentOf = (id: string, version: string) =>
  queryOptions({
    queryKey: ["blob", id, version],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10 * 60_000,
    queryFn: ({ signal }) => api.blob(id, version, signal),
  });

/** Several contents at once; null stands for an empty one, and for one that is not wanted. */
export function useContents(id: string, versions: readonly (string | null)[]) {
  const wanted = versions.filter((version) => version !== null);
  const found = useQueries({ queries: [...new Set(wanted)].map((version) => contentOf(id, version)) });
  const texts = new Map([...new Set(wanted)].map((version, at) => [version, found[at]?.data]));
  return {
    texts: versions.map((version) => (version === null ? null : (texts.get(version) ?? null))),
    isLoading: found.some((query) => query.isPending),
    error: found.find((query) => query.error)?.error ?? null,
    retry: () => {
      for (const query of found) if (query.isError) void query.refetch();
    },
  };
}
