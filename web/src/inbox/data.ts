/** What concerns this person: pages of it, how much is unread, and what they do with it. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { request } from "~/api/http";
import { say } from "~/lib/toast";

export type Kind = "mention" | "reply" | "invite" | "needs_me" | "session_ended";
export const CHANNELS = ["web", "push", "slack_dm", "email"] as const;
export type Channel = (typeof CHANNELS)[number];

interface Person {
  user_id: string;
  username: string;
  color: number;
}

export interface InboxItem {
  id: string;
  kind: Kind;
  session_id: string;
  session_title: string;
  seq: number;
  heading: string;
  path: string;
  count: number;
  people: Person[];
  lines: { seq: number; user: Person | null; text: string; where: string; at: string }[];
  created_at: string;
  updated_at: string;
  is_read: boolean;
}

interface InboxPage {
  items: InboxItem[];
  unread: number;
  next: string | null;
}

export interface Cell {
  kind: Kind;
  channel: Channel;
  is_on: boolean;
}

export interface Preferences {
  cells: Cell[];
  reachable: Channel[];
  quiet_hours: { start: string; end: string } | null;
  time_zone: string;
  muted_sessions: { session_id: string; title: string }[];
}

export type Change = Partial<Pick<Preferences, "cells" | "quiet_hours" | "time_zone">>;

const PREFERENCES = ["notification preferences"];
/** The number of unread items, as the stream told it last. */
export const UNREAD = ["unread"];
export const ITEMS = ["inbox"];

const page = (before: string | null, onlyUnread: boolean, signal?: AbortSignal) => {
  const query = new URLSearchParams({ limit: "20", ...(before ? { before } : {}), ...(onlyUnread ? { unread: "true" } : {}) });
  return request<InboxPage>("GET", `/api/inbox?${query}`, undefined, signal);
};

export function useInbox(onlyUnread: boolean) {
  const found = useInfiniteQuery({
    queryKey: [...ITEMS, onlyUnread],
    queryFn: ({ pageParam, signal }) => page(pageParam, onlyUnread, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: InboxPage) => last.next,
    staleTime: 0,
  });
  return { ...found, items: found.data?.pages.flatMap((one) => one.items) };
}

export function useUnread(): number {
  const told = useQuery({ queryKey: UNREAD, queryFn: async ({ signal }) => (await page(null, true, signal)).unread });
  return told.data ?? 0;
}

export function useInboxDeeds() {
  const queries = useQueryClient();
  const onSuccess = ({ unread }: { unread: number }) => {
    queries.setQueryData(UNREAD, unread);
    return queries.invalidateQueries({ queryKey: ITEMS });
  };
  const onError = (error: Error) => say(error.message);
  const read = useMutation({
    mutationFn: (ids: string[]) => request<{ unread: number }>("POST", "/api/inbox/read", { ids }),
    onSuccess,
    onError,
  });
  /** Everything that was shown; what has come since stays unread. */
  const readAll = useMutation({
    mutationFn: (upTo: string) => request<{ unread: number }>("POST", "/api/inbox/read-all", { up_to: upTo }),
    onSuccess,
    onError,
  });
  return { read, readAll };
}

export function useMuteSession() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, isMuted }: { id: string; isMuted: boolean }) =>
      request<void>("PUT", `/api/sessions/${encodeURIComponent(id)}/mute`, { is_muted: isMuted }),
    onSuccess: (_, { isMuted }) => {
      say(isMuted ? "You hear nothing of that session any more. Settings bring it back." : "You hear of that session again.");
      return queries.invalidateQueries({ queryKey: PREFERENCES });
    },
    onError: (error) => say(error.message),
  });
}

export function usePreferences() {
  return useQuery({
    queryKey: PREFERENCES,
    queryFn: ({ signal }) => request<Preferences>("GET", "/api/me/notifications", undefined, signal),
  });
}

/** Shows the change at once, and takes it back where the server refuses it. */
export function useChangePreferences(): (change: Change) => void {
  const queries = useQueryClient();
  const { mutate } = useMutation({
    mutationKey: PREFERENCES,
    mutationFn: (change: Change) => request<Preferences>("PATCH", "/api/me/notifications", change),
    onSuccess: (now) => {
      // While others are on their way, this answer does not know of them yet.
      if (queries.isMutating({ mutationKey: PREFERENCES }) === 1) queries.setQueryData(PREFERENCES, now);
    },
    onError: (error) => {
      say(error.message);
      return queries.invalidateQueries({ queryKey: PREFERENCES });
    },
  });
  return useCallback(
    (change: Change) => {
      const before = queries.getQueryData<Preferences>(PREFERENCES);
      if (before) queries.setQueryData(PREFERENCES, changed(before, change));
      mutate(change);
    },
    [queries, mutate],
  );
}

export function changed(before: Preferences, change: Change): Preferences {
  const cells = before.cells.map(
    (cell) => change.cells?.find((one) => one.kind === cell.kind && one.channel === cell.channel) ?? cell,
  );
  return { ...before, ...change, cells };
}
